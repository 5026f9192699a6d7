"""Small scenes with known truth, and settings to try them with."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.track.frame_times import regular_times
from tasks.track.params import TrackParams
from tasks.track.run_tracker import track_detections
from tasks.track.visual_cues import NO_CUES, VisualCues

Box = tuple[float, float, float, float]

SETTINGS: dict[str, Any] = {
    "duplicate_iou": 1.0,
    "high_score": 0.3,
    "low_score": 0.1,
    "min_iou": 0.3,
    "min_iou_low": 0.5,
    "fuse_score": False,
    "filter_state": "size",
    "score_adaptive_noise": False,
    "momentum": 0.0,
    "observation_recovery": False,
    "life_cycle": "uniform",
    "n_init": 3,
    "max_gap_s": 5,
    "link_max_gap_s": 0,
    "link_max_distance": 0.3,
    "link_max_size_ratio": 1.3,
    "link_window_s": 30.0,
    "min_confidence": 0.0,
    "smoothing_s": 0.0,
    "interpolate": False,
    "camera_compensation": False,
    "appearance": "none",
    "appearance_source": "features",
    "appearance_max_distance": 0.2,
    "appearance_min_iou": 0.3,
    "appearance_memory": 0.9,
    "link_max_appearance_distance": 0.0,
    "flow_prediction": False,
}


def make_params(**changes: Any) -> TrackParams:
    return TrackParams.model_validate(SETTINGS | changes)


def track_frames(detections: Detections, params: TrackParams, cues: VisualCues = NO_CUES) -> Tracks:
    """Tracks in a film of one frame per second, so that lengths of time in seconds are frames."""
    return track_detections(detections, regular_times(detections.frame_count, 1.0), params, cues)


def make_detections(rows: list[tuple[int, Box, float, int]], frame_count: int) -> Detections:
    """Detections from (frame, xyxy, score, class_id), in any order of frames."""
    rows = sorted(rows, key=lambda row: row[0])
    boxes = np.array([box for _, box, _, _ in rows], np.float32).reshape(-1, 4)
    return Detections(
        frame=np.array([frame for frame, _, _, _ in rows], np.int32),
        class_id=np.array([class_id for _, _, _, class_id in rows], np.int16),
        class_name=np.array([f"class {class_id}" for _, _, _, class_id in rows], object),
        score=np.array([score for _, _, score, _ in rows], np.float32),
        x1=boxes[:, 0],
        y1=boxes[:, 1],
        x2=boxes[:, 2],
        y2=boxes[:, 3],
        frame_count=frame_count,
        width=640,
        height=480,
    )


def walk(
    frames: Any, start: tuple[float, float] = (100, 100), speed: tuple[float, float] = (2, 1), score: float = 0.9
) -> list[tuple[int, Box, float, int]]:
    """A 40x100 box going straight, seen in `frames`."""
    corners = [(start[0] + speed[0] * f, start[1] + speed[1] * f) for f in frames]
    return [(f, (x, y, x + 40, y + 100), score, 0) for f, (x, y) in zip(frames, corners, strict=True)]


@st.composite
def scenes(draw: st.DrawFn) -> Detections:
    """Anything a detector might say: crowded, flickering, of several classes, some boxes empty, some frames too."""
    frame_count = draw(st.integers(1, 20))
    place = st.integers(0, 60).map(float)
    size = st.integers(0, 40).map(float)
    row = st.tuples(
        st.integers(0, frame_count - 1),
        st.tuples(place, place, size, size).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])),
        st.sampled_from([0.05, 0.2, 0.5, 0.9, 0.95]),
        st.integers(0, 1),
    )
    return make_detections(draw(st.lists(row, max_size=80)), frame_count)
