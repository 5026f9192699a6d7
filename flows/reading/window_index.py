"""Windows of equal length in seconds over the videos of a data set, and an order of them that is random but fixed.

Windows are laid by presentation times, so that a window of a variable frame rate lasts as long as any other and has
more or fewer frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.errors import SemflowError

TOLERANCE_S = 1e-6  # times are rounded by containers; a frame that is this early counts as inside


@dataclass(frozen=True)
class Window:
    """A stretch of one video."""

    video: str
    start_s: float
    """Seconds, inside."""
    end_s: float
    """Seconds, outside."""


def list_windows(video: str, pts_s: NDArray[np.float64], seconds: float, stride: float) -> list[Window]:
    """The windows of a video, `stride` seconds apart from its first frame on, that end by the end of its last frame.

    The last frame lasts as long as the median of the others; a video that is shorter than a window has none.
    """
    if seconds <= 0 or stride <= 0:
        raise SemflowError(f"seconds and stride must be above 0, got {seconds} and {stride}")
    if not len(pts_s):
        return []
    usual = float(np.median(np.diff(pts_s))) if len(pts_s) > 1 else 0.0
    length = float(pts_s[-1] - pts_s[0]) + usual
    count = int(np.floor((length - seconds + TOLERANCE_S) / stride)) + 1 if length + TOLERANCE_S >= seconds else 0
    starts = float(pts_s[0]) + stride * np.arange(count)
    return [Window(video, start, start + seconds) for start in starts.tolist()]


def choose_frames(pts_s: NDArray[np.float64], window: Window, samples: int | None) -> NDArray[np.intp]:
    """The frames of a window: all whose time is inside, or `samples` of them, those shown at evenly spaced instants.

    A frame is shown until the next one, so `samples` frames of a slow passage repeat.
    """
    if samples is None:
        inside = (pts_s >= window.start_s - TOLERANCE_S) & (pts_s < window.end_s - TOLERANCE_S)
        return np.flatnonzero(inside)
    instants = window.start_s + (window.end_s - window.start_s) * np.arange(samples) / samples
    return np.maximum(np.searchsorted(pts_s, instants + TOLERANCE_S, side="right") - 1, 0)


def shuffle_windows(windows: Sequence[Window], seed: int, epoch: int) -> list[int]:
    """The numbers of the windows in the order of a hash of seed, epoch and window.

    The same on every machine and for any number of workers; added videos do not change the order of the others.
    """

    def hash_window(number: int) -> bytes:
        window = windows[number]
        text = f"{seed} {epoch} {window.start_s!r} {window.video}"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    return sorted(range(len(windows)), key=hash_window)
