"""Speed of image motion over time: mean length of the dense flow, and of the camera motion in it.

Statistics use a regular sample of pairs and of pixels, so that the cost does not grow with the video's length; one pair
is read at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats
from tasks.artifacts.dense_flow import DenseFlow
from tasks.report.charts import round_above
from tasks.report.middle_samples import pick_middles

MAX_PAIRS = 300  # four pixels of a wide screen each; reading them takes half a second
SAMPLED_PIXELS = 4000  # of each pair: the mean over all of them differs in the third digit
CAMERA_POINTS = 8  # along each axis: a homography is smooth
SCALE_PERCENTILE = 99  # of vector lengths: full colour for the longest few would make all others pale
MIN_SCALE_PX = 1.0  # a smaller scale would show the noise of the estimate


@dataclass(frozen=True, eq=False)
class MotionStats:
    """Speeds of n pairs of frames, in pixels of the working size per frame."""

    pairs: NDArray[np.intp]
    """(n,) the evaluated pairs, in order: all with flow, or some of them evenly spaced."""
    speed_px: Floats
    """(n,) mean length of the valid vectors; NaN where none is valid."""
    camera_px: Floats
    """(n,) mean length of the camera's motion over the frame; NaN where it could not be estimated."""
    scale_px: float
    """A round length that nearly all vectors of the video stay below."""


def measure_motion(flow: DenseFlow, most: int = MAX_PAIRS) -> MotionStats:
    """Speeds of at most `most` pairs."""
    pairs = pick_middles(np.flatnonzero(flow.known), most)
    step = max(1, round(np.sqrt(flow.height * flow.width / SAMPLED_PIXELS)))
    lengths = [_lengths(flow, int(i), step) for i in pairs]
    every = np.concatenate([*lengths, np.zeros(1, np.float32)])
    return MotionStats(
        pairs=pairs,
        speed_px=np.array([finite_mean(found) for found in lengths], np.float64),
        camera_px=np.where(
            flow.camera_inliers[pairs] > 0, camera_speeds(flow.cameras[pairs], flow.height, flow.width), np.nan
        ),
        scale_px=round_above(max(float(np.percentile(every, SCALE_PERCENTILE)), MIN_SCALE_PX)),
    )


def camera_speeds(cameras: Floats, height: int, width: int) -> Floats:
    """(n,) mean distance by which (n, 3, 3) homographies move the points of a frame; NaN for infinite ones."""
    x, y = (((np.arange(CAMERA_POINTS) + 0.5) * side / CAMERA_POINTS - 0.5) for side in (width, height))
    points = np.stack([*(axis.reshape(-1) for axis in np.meshgrid(x, y)), np.ones(CAMERA_POINTS**2)])
    moved = cameras @ points
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = moved[:, :2] / moved[:, 2:] - points[:2]
        speeds = np.hypot(shift[:, 0], shift[:, 1]).mean(axis=1)
    return np.where(np.isfinite(speeds) & (moved[:, 2] > 0).all(axis=1), speeds, np.nan)


def finite_mean(values: NDArray[np.floating]) -> float:
    """The mean of the finite values; NaN where there are none."""
    known = values[np.isfinite(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else float("nan")


def _lengths(flow: DenseFlow, i: int, step: int) -> NDArray[np.float32]:
    """Lengths of the valid vectors on a lattice `step` pixels wide."""
    lattice = (slice(step // 2, None, step),) * 2
    vectors = flow.forward(i)[lattice][flow.valid(i)[lattice]]
    return np.hypot(vectors[:, 0], vectors[:, 1])
