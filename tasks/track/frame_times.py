"""Times of frames: what lengths of time in seconds mean on a film, with a constant or a variable frame rate."""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats

TOLERANCE_S = 0.002  # Matroska rounds times to milliseconds: a length of time is met that much late
STEP_PRECISION = 0.1  # to which steps are rounded, so that rounded times of a constant rate give steps of exactly 1
PUBLISHED_FRAME_RATE = 30.0  # at which published trackers, which count frames, were set up


def regular_times(frame_count: int, frame_rate: float = PUBLISHED_FRAME_RATE) -> Floats:
    """(frame_count,) seconds of frames at a constant rate."""
    return np.arange(frame_count) / frame_rate


def median_interval(pts_s: Floats) -> float:
    """Usual time between neighbouring frames, seconds; that of PUBLISHED_FRAME_RATE for fewer than two frames."""
    return float(np.median(np.diff(pts_s))) if len(pts_s) > 1 else 1 / PUBLISHED_FRAME_RATE


def relative_steps(pts_s: Floats) -> Floats:
    """(t,) time from each frame's predecessor, in usual intervals: 1 at a constant rate; 1 for the first frame."""
    steps = np.diff(pts_s, prepend=pts_s[:1] - median_interval(pts_s)) / median_interval(pts_s)
    return np.maximum(np.round(steps / STEP_PRECISION) * STEP_PRECISION, STEP_PRECISION)
