"""Pose detection in whole frames, or in enlarged crops around people (top-down)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.estimate_pose.pose_window import PoseWindow
from tasks.geometry.letterbox import Letterbox
from tasks.yolo.keypoint_decoding import Skeletons, decode_keypoints
from tasks.yolo.yolo_types import Yolo

MAX_PEOPLE = 300  # per frame or crop, as ultralytics' max_det


@dataclass(frozen=True)
class PoseDetector:
    """A pose model with its input sizes and thresholds."""

    model: Yolo
    image_size: int
    """Longer side of whole frames as the model's input, pixels."""
    crop_height: int
    """Height of crops as the model's input, pixels."""
    score_threshold: float
    nms_iou: float
    batch: int
    """Images per call of the model."""

    def detect_in_frame(self, image: Image) -> Skeletons:
        """Skeletons in one image, in its pixels."""
        height, width = image.shape[:2]
        letterbox = Letterbox.fit(height, width, self.image_size)
        people = self._decode(self.model.forward(letterbox.apply(image)[None])[0])
        return replace(
            people,
            xyxy=letterbox.to_source(people.xyxy.reshape(-1, 2, 2)).reshape(-1, 4),
            keypoints=letterbox.to_source(people.keypoints),
        )

    def detect_in_crops(self, image: Image, boxes: NDArray[np.float32]) -> Skeletons:
        """Skeletons in windows around (n, 4) xyxy `boxes` of one image, in its pixels, ordered by window."""
        windows = [PoseWindow.around_box(box, self.crop_height) for box in boxes]
        found: list[Skeletons] = []
        for start in range(0, len(windows), self.batch):
            part = windows[start : start + self.batch]
            predictions = self.model.forward(np.stack([window.crop_image(image) for window in part]))
            found += [
                _to_frame_pixels(self._decode(prediction), window, image)
                for prediction, window in zip(predictions, part, strict=True)
            ]
        return Skeletons.from_parts(found)

    def _decode(self, prediction: NDArray[np.float32]) -> Skeletons:
        return decode_keypoints(prediction, self.score_threshold, self.nms_iou, MAX_PEOPLE)


def _to_frame_pixels(people: Skeletons, window: PoseWindow, image: Image) -> Skeletons:
    height, width = image.shape[:2]
    border = np.array([width, height], np.float32)
    corners = window.to_frame(people.xyxy.reshape(-1, 2, 2))
    # Keypoints of the model are in coordinates of pixel centres, as in COCO.
    points = window.to_frame(people.keypoints, shift=0.5)
    return replace(
        people, xyxy=np.clip(corners, 0, border).reshape(-1, 4), keypoints=np.clip(points, 0, border).astype(np.float32)
    )
