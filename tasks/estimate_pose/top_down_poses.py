"""Top-down pose estimation: the pose of the person in each box, by RTMPose.

The window around a box, and what lies outside the image (black), are as in the model's training: `PoseWindow`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.poses import COCO_KEYPOINTS, KEYPOINT_COUNT
from tasks.estimate_pose.duplicate_poses import suppress_duplicate_poses
from tasks.estimate_pose.frame_poses import FramePoses
from tasks.estimate_pose.pose_window import PoseWindow
from tasks.estimate_pose.rtmpose_model import INPUT_HEIGHT, RtmPose
from tasks.estimate_pose.simcc_decoding import decode_simcc
from tasks.yolo.keypoint_decoding import Skeletons

BATCH = 16  # crops at once: more take memory and gain nothing
BLACK = 0


@dataclass(frozen=True)
class TopDownEstimator:
    """A model that sees one person at a time, and what a pose must have to be kept."""

    model: RtmPose
    flip: bool
    """Whether predictions are averaged with those of mirrored crops."""
    keypoint_score: float
    """Score from which a keypoint is trusted."""
    min_keypoints: int
    """Minimum number of trusted ones among COCO's 17 keypoints."""

    def find_poses(self, image: Image, boxes: NDArray[np.float32], before: NDArray[np.float32]) -> FramePoses:
        """Poses of those of the (n, 4) xyxy `boxes` that show enough of a person, each person once.

        `before` are the (n, 26, 2) poses of the boxes' tracks shortly before, NaN where there was none.
        """
        people = self.estimate_poses(image, boxes)
        trusted = people.keypoint_score[:, : len(COCO_KEYPOINTS)] >= self.keypoint_score
        kept = np.flatnonzero(trusted.sum(axis=1) >= self.min_keypoints)
        kept = kept[suppress_duplicate_poses(people.take(kept), np.isfinite(before[kept, 0, 0]))]
        return FramePoses(kept, people.take(kept), np.ones(len(kept), np.bool_))

    def estimate_poses(self, image: Image, boxes: NDArray[np.float32]) -> Skeletons:
        """One skeleton of 26 keypoints per box, in pixels of the (h, w, 3) image, within it."""
        windows = [PoseWindow.around_box(box, INPUT_HEIGHT) for box in boxes]
        parts = [
            self._estimate_in_windows(image, windows[start : start + BATCH], boxes[start : start + BATCH])
            for start in range(0, len(windows), BATCH)
        ]
        return Skeletons.from_parts(parts, KEYPOINT_COUNT)

    def _estimate_in_windows(self, image: Image, windows: list[PoseWindow], boxes: NDArray[np.float32]) -> Skeletons:
        crops = np.stack([window.crop_image(image, BLACK) for window in windows])
        places, score = decode_simcc(self.model.predict(crops, self.flip))
        border = np.array([image.shape[1], image.shape[0]], np.float32)
        points = np.stack([window.to_frame(xy, shift=0.5) for window, xy in zip(windows, places, strict=True)])
        return Skeletons(boxes, average_trusted_score(score, self.keypoint_score), np.clip(points, 0, border), score)


def average_trusted_score(score: NDArray[np.float32], trusted: float) -> NDArray[np.float32]:
    """(n,) mean of those of the (n, k) scores that are at least `trusted`, as MMPose rates poses; 0 without any."""
    good = score >= trusted
    total = np.where(good, score, 0).sum(axis=1, dtype=np.float64)
    return (total / np.maximum(good.sum(axis=1), 1)).astype(np.float32)
