"""A stick figure that walks by the book, frames around pictures, tracks, and a model that sees what it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.frames import Frames
from tasks.artifacts.poses import KEYPOINT_COUNT, KEYPOINT_INDEX
from tasks.artifacts.tracks import Tracks
from tasks.estimate_pose.params import EstimatePoseParams
from tasks.params import Compute
from tests.factories.compute import make_compute
from tests.factories.frames import write_frames

HEIGHT = 200.0  # of the figure, pixels
FAR = 0.1  # half the distance between left and right hip or shoulder as a slanted camera shows it, in heights


def figure(
    time_s: np.ndarray,
    cadence: float = 100.0,
    speed: float = 0.8,
    swing_deg: float = 25.0,
    forwards: int = 1,
    depth: float = 0.0,
) -> np.ndarray:
    """(t, 26, 2) a person of HEIGHT pixels who walks along x, left foot ahead first at a quarter of a stride.

    `speed` is in heights per second, 0 on a treadmill; `depth` moves the left side by so many heights, as a camera sees
    it that does not look straight from the side. Segments as Drillis and Contini (1966) have them.
    """
    phase = 2 * np.pi * cadence / 120 * time_s
    xy = np.full((len(time_s), KEYPOINT_COUNT, 2), np.nan)
    x, ground = 100 + forwards * speed * HEIGHT * time_s, 400.0
    hip_y, shoulder_y, head_y = (ground - share * HEIGHT for share in (0.530, 0.818, 0.936))
    for name, ahead in (("nose", 0.08), ("eye_left", 0.05), ("eye_right", 0.05), ("ear_left", 0.0), ("ear_right", 0.0)):
        xy[:, KEYPOINT_INDEX[name]] = np.stack([x + forwards * ahead * HEIGHT, np.full_like(x, head_y)], axis=1)
    for side, sign in (("left", 1), ("right", -1)):
        off = depth * HEIGHT * sign / 2
        thigh = np.radians(swing_deg) * sign * np.sin(phase)
        flexed = np.radians(30) * (1 + sign * np.cos(phase))  # bent most while the leg swings forwards
        shank = thigh - flexed
        hip = np.stack([x, np.full_like(x, hip_y + off)], axis=1)
        knee = hip + 0.245 * HEIGHT * np.stack([forwards * np.sin(thigh), np.cos(thigh)], axis=1)
        ankle = knee + 0.246 * HEIGHT * np.stack([forwards * np.sin(shank), np.cos(shank)], axis=1)
        shoulder = np.stack([x, np.full_like(x, shoulder_y + off)], axis=1)
        arm = -0.5 * thigh
        elbow = shoulder + 0.186 * HEIGHT * np.stack([forwards * np.sin(arm), np.cos(arm)], axis=1)
        wrist = elbow + 0.146 * HEIGHT * np.stack([forwards * np.sin(arm + 0.3), np.cos(arm + 0.3)], axis=1)
        parts = {"hip": hip, "knee": knee, "ankle": ankle, "shoulder": shoulder, "elbow": elbow, "wrist": wrist}
        for part, place in parts.items():
            xy[:, KEYPOINT_INDEX[f"{part}_{side}"]] = place
    return xy


@pytest.fixture
def walker() -> Callable[..., np.ndarray]:
    return figure


@pytest.fixture
def params() -> Callable[..., EstimatePoseParams]:
    """The parameters of a run, but for those named."""

    def make(**changed: object) -> EstimatePoseParams:
        usual = {
            "backend": "yolo",
            "flip": False,
            "image_size": 640,
            "crop_height": 256,
            "crop_below": 160.0,
            "score_threshold": 0.25,
            "nms_iou": 0.7,
            "affinity": 0.25,
            "keypoint_score": 0.5,
            "min_keypoints": 8,
            "smoothing": "kalman",
            "cutoff_hz": 6.0,
            "bridge_s": 0.2,
            "min_steps": 4,
        }
        return EstimatePoseParams.model_validate(usual | changed)

    return make


@pytest.fixture
def cpu() -> Compute:
    return make_compute(batch=4)


@pytest.fixture
def make_frames(tmp_path: Path) -> Callable[..., Frames]:
    """Frames of `images`, kept exactly; None is a lost frame, and those in `damaged` came out with errors."""

    def make(
        images: Sequence[np.ndarray | None],
        size: tuple[int, int] = (240, 320),
        fps: float = 25.0,
        damaged: Sequence[int] = (),
    ) -> Frames:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        return write_frames(path, images, size=size, fps=fps, damaged=damaged)

    return make


Row = tuple[int, int, tuple[float, float, float, float]]


@pytest.fixture
def make_tracks() -> Callable[..., Tracks]:
    """Tracks of (frame, track id, box) rows, all of one class."""

    def make(frames: Frames, rows: Sequence[Row], name: str = "person") -> Tracks:
        box = np.array([row[2] for row in rows], np.float32).reshape(-1, 4)
        return Tracks(
            frame=np.array([row[0] for row in rows], np.int32),
            track_id=np.array([row[1] for row in rows], np.int32),
            class_id=np.zeros(len(rows), np.int16),
            class_name=np.array([name] * len(rows), object),
            score=np.full(len(rows), 0.9, np.float32),
            x1=box[:, 0],
            y1=box[:, 1],
            x2=box[:, 2],
            y2=box[:, 3],
            detection=np.arange(len(rows), dtype=np.int32),
            frame_count=len(frames),
            width=frames.width,
            height=frames.height,
        )

    return make
