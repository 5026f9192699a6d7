"""Small pictures of all frames, by which shots are compared: what moves little stays the same in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.frames import Frames

LONG_SIDE = 32  # cells: at 16 the mixed scenes of a dissolve and fast motion look more alike


def read_thumbnails(frames: Frames) -> NDArray[np.uint8]:
    """(frames, cells * 3) mean colour of the cells of each frame; a frame without image repeats the one before.

    The first whole frame stands for those before it. 2 KB a frame.
    """
    columns, rows = _thumbnail_size(frames.width, frames.height)
    found = np.zeros((len(frames), columns * rows * 3), np.uint8)
    whole = np.flatnonzero(frames.ok)
    for frame in whole.tolist():
        found[frame] = _resize(frames.reduced_image(frame), (columns, rows)).reshape(-1)
    if not len(whole):
        return found
    return found[whole[np.maximum(np.searchsorted(whole, np.arange(len(frames)), side="right") - 1, 0)]]


def shrink_image(image: Image) -> Image:
    """(rows, columns, 3) mean colours of the cells of an (h, w, 3) image; its longer side has LONG_SIDE of them."""
    return _resize(image, _thumbnail_size(image.shape[1], image.shape[0]))


def _thumbnail_size(width: int, height: int) -> tuple[int, int]:
    scale = LONG_SIDE / max(width, height, 1)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resize(image: Image, size: tuple[int, int]) -> Image:
    import cv2

    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def correlate(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) correlation of (n, d) thumbnails, -1..1; 0 where one has a single colour."""
    first = first - first.mean(axis=1, keepdims=True)
    second = second - second.mean(axis=1, keepdims=True)
    energy = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
    return (first * second).sum(axis=1) / np.maximum(energy, 1e-6)
