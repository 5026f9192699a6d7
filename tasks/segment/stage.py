"""segment: masks of detected objects, where `segment.masks` asks for them.

Model: YOLO26n-seg (Ultralytics, 2026), trained on COCO, on the CPU. It finds objects by itself, and each mask is given
to the detection of the same class whose box it overlaps most; detections of other classes have no mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.artifacts.masks import NO_MASK, Masks, encode_mask
from tasks.segment.params import SegmentParams
from tasks.stage import stage

WEIGHTS = "yolo26n-seg"


@stage(
    libraries=(
        "numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow", "pycocotools", "scipy", "torch", "torchvision",
        "ultralytics",
    ),
    weights=lambda params: (WEIGHTS,) if params.masks else (),
    kernels=("onnxruntime",),
    kernels_for=lambda params: ("onnxruntime",) if params.masks else (),
)  # fmt: skip
def segment(frames: Frames, detections: Detections, params: SegmentParams) -> Masks:
    """A mask for each detection, as far as one is found; no rows without `params.masks`."""
    facts: dict[str, Any] = {
        "video": frames.video,
        "frame_count": len(frames),
        "width": frames.width,
        "height": frames.height,
    }
    if not params.masks:
        return Masks.empty(**facts)
    from tasks.segment.mask_assignment import assign_instances
    from tasks.yolo.instance_segmentation import load_segmenter

    count = len(detections)
    score, iou = np.zeros(count, np.float32), np.zeros(count, np.float32)
    area, rle = np.zeros(count, np.int32), np.full(count, NO_MASK, object)
    model = load_segmenter(WEIGHTS) if count else None
    numbers, starts = np.unique(detections.frame, return_index=True)
    # Without detections there is one part, and no frame to go with it.
    for frame, rows in zip(numbers.tolist(), np.split(np.arange(count), starts[1:]), strict=False):
        if model is None or not frames.ok[frame]:
            continue
        found = model(frames.image(frame), params.image_size, params.score_threshold)
        names = np.array(model.names, object)[found.class_id]
        instance, overlap = assign_instances(
            detections.xyxy[rows], detections.class_name[rows], found.xyxy, names, params.min_iou
        )
        for row, number, share in zip(rows, instance, overlap, strict=True):
            if number < 0 or not found.masks[number].any():
                continue
            mask = found.masks[number]
            score[row], iou[row], area[row], rle[row] = found.score[number], share, mask.sum(), encode_mask(mask)
    facts["pts_s"] = frames.pts_s[detections.frame]
    return Masks(detections.frame, np.arange(count, dtype=np.int32), score, iou, area, rle, **facts)
