"""Object detection in every frame, by YOLO.

Models: YOLO26n (Ultralytics, 2026; default) and YOLO11n (2024), trained on COCO; YOLOX-tiny (2021), which finds people
alone; or any detection checkpoint or ONNX export of ultralytics by path and sha256. Of YOLO26's two heads the
one-to-one is used: it needs no NMS and scores higher than one-to-many with NMS (AP .49, not .48, on 59 images).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.detect.params import HEAD_LIMIT, DetectParams
from tasks.errors import BadParams
from tasks.params import Compute
from tasks.stage import stage


@stage(
    libraries=("numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow", "torch", "torchvision", "ultralytics"),
    weights=lambda params: (params.weights,) if isinstance(params.weights, str) else (),
    accelerator=True,
    kernels=("onnxruntime", "cuda"),
    kernels_for=lambda params: params.kernels,
)
def detect(frames: Frames, params: DetectParams, compute: Compute) -> Detections:
    """Objects in the frames of a video; damaged and lost frames have none."""
    from tasks.detect.box_decoding import DetectedBoxes, decode_one_to_many, decode_one_to_one, join_boxes
    from tasks.device import resolve_device
    from tasks.geometry.letterbox import Letterbox
    from tasks.yolo.yolo_model import load_yolo

    model = load_yolo(params.model, resolve_device(compute.device))
    check_task(model.task, params)
    wanted = find_class_ids(model.names, params.classes)
    image_size = min(params.image_size, model.input_limit or params.image_size)
    letterbox = Letterbox.fit(frames.height, frames.width, image_size)

    def boxes_of(prediction: NDArray[np.float32]) -> DetectedBoxes:
        if model.one_to_one:
            boxes = decode_one_to_one(prediction, params.score_threshold)
        else:
            boxes = decode_one_to_many(prediction, params.score_threshold, params.nms_iou, HEAD_LIMIT)
        boxes = replace(boxes, xyxy=letterbox.to_source(boxes.xyxy.reshape(-1, 2, 2)).reshape(-1, 4))
        # A box may lie in the letterbox's border alone, or, as predicted distances can be negative, have x2 < x1.
        good = (boxes.xyxy[:, :2] < boxes.xyxy[:, 2:]).all(axis=1) & np.isin(boxes.class_id, wanted)
        return boxes.take(np.flatnonzero(good)[: params.max_detections])

    count = np.zeros(len(frames), np.intp)

    def found() -> Iterator[DetectedBoxes]:
        for batch, images in frames.batches(compute.batch if model.batched else 1):
            parts = [*map(boxes_of, model.forward(np.stack([letterbox.apply(image) for image in images])))]
            count[batch] = [len(part.score) for part in parts]
            yield from parts

    boxes = join_boxes(found())
    frame = np.repeat(np.arange(len(frames), dtype=np.int32), count)
    return Detections(
        frame=frame,
        pts_s=frames.pts_s[frame],
        class_id=boxes.class_id,
        class_name=np.array(model.names, object)[boxes.class_id],
        score=boxes.score,
        **dict(zip(("x1", "y1", "x2", "y2"), boxes.xyxy.T, strict=True)),
        video=frames.video,
        frame_count=len(frames),
        width=frames.width,
        height=frames.height,
    )


def check_task(task: str, params: DetectParams) -> None:
    """BadParams where a file's model does something other than detect."""
    if task != "detect":
        name = params.weights if isinstance(params.weights, str) else params.weights.path
        raise BadParams(f"detect.weights must be a detection model, got {name}, whose task is {task}")


def find_class_ids(names: Sequence[str], wanted: Sequence[str] | None) -> list[int]:
    """Numbers of the classes `wanted`, all if None; BadParams, which lists all names, where one is unknown."""
    unknown = [name for name in wanted or () if name not in names]
    if unknown:
        raise BadParams(f"detect.classes must be among {', '.join(names)}, got {unknown[0]!r}")
    return [number for number, name in enumerate(names) if wanted is None or name in wanted]
