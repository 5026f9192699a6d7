"""Small pictures of all frames, by which shots are compared: what moves little stays the same in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.frames import Frames

LONG_SIDE = 32  # cells: at 16 the mixed scenes of a dissolve and fast motion look more alike


def read_thumbnails(frames: Frames) -> NDArray[np.uint8]:
    """(frames, cells * 3) mean colour of the cells of each frame; a frame without image repeats the one before.

    The first whole frame stands for those before it. 2 KB a frame.
    """
    import cv2

    scale = LONG_SIDE / max(frames.width, frames.height)
    size = max(1, round(frames.width * scale)), max(1, round(frames.height * scale))
    found = np.zeros((len(frames), size[0] * size[1] * 3), np.uint8)
    whole = np.flatnonzero(frames.ok)
    for frame in whole.tolist():
        small: Any = cv2.resize(frames.reduced_image(frame), size, interpolation=cv2.INTER_AREA)
        found[frame] = small.reshape(-1)
    if not len(whole):
        return found
    return found[whole[np.maximum(np.searchsorted(whole, np.arange(len(frames)), side="right") - 1, 0)]]


def correlate(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) correlation of (n, d) thumbnails, -1..1; 0 where one has a single colour."""
    first = first - first.mean(axis=1, keepdims=True)
    second = second - second.mean(axis=1, keepdims=True)
    energy = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
    return (first * second).sum(axis=1) / np.maximum(energy, 1e-6)
