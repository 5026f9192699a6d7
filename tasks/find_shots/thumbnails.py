"""Small pictures of all frames, by which shots are compared: what moves little stays the same in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image, Indices
from tasks.artifacts.frames import Frames

LONG_SIDE = 32  # cells: at 16 the mixed scenes of a dissolve and fast motion look more alike


class Thumbnails(Protocol):
    """(frames, d) thumbnails of a film, of which consecutive ones are read: an array, or FilmThumbnails."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, eq=False)
class Stretch:
    """Thumbnails of consecutive frames of a film."""

    first: int
    """Frame of the first one."""
    thumbnails: NDArray[np.uint8]
    """(n, d) mean colours of the cells."""

    @classmethod
    def read(cls, thumbnails: Thumbnails, start: int, stop: int) -> Self:
        """Those of the frames in [start, stop) that the film has."""
        first = max(0, start)
        return cls(first, thumbnails[first : max(first, stop)])

    def take(self, frames: Indices) -> NDArray[np.float32]:
        """(k, d) thumbnails of (k,) frames of the film."""
        return self.thumbnails[frames - self.first].astype(np.float32)


@dataclass(frozen=True, eq=False)
class FilmThumbnails:
    """Mean colours of the cells of each frame, (n, cells * 3) of those that are read; a reader.

    A frame without image repeats the one before; the first whole frame stands for those before it. What was read last
    is kept, and not decoded again where the next part overlaps it: a film's would take 2 KB a frame.
    """

    frames: Frames
    _held: list[Stretch] = field(default_factory=list[Stretch], init=False, repr=False)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, part: slice, /) -> NDArray[np.uint8]:
        start, stop, _ = part.indices(len(self))
        columns, rows = _thumbnail_size(self.frames.width, self.frames.height)
        found = np.zeros((max(0, stop - start), columns * rows * 3), np.uint8)
        there = self._copy_held(start, found)
        for place in np.flatnonzero(~there).tolist() if len(self._whole) else ():
            source = self._find_source(start + place)
            if place and source == self._find_source(start + place - 1):
                found[place] = found[place - 1]
            else:
                found[place] = _resize(self.frames.reduced_image(source), (columns, rows)).reshape(-1)
        self._held[:] = [Stretch(start, found)]
        return found

    def _copy_held(self, start: int, found: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Copy what is kept into `found`, which begins at the frame `start`; (n,) whether a row was copied."""
        there = np.zeros(len(found), np.bool_)
        for held in self._held:
            low, high = max(start, held.first), min(start + len(found), held.first + len(held.thumbnails))
            if low < high:
                found[low - start : high - start] = held.thumbnails[low - held.first : high - held.first]
                there[low - start : high - start] = True
        return there

    @cached_property
    def _whole(self) -> Indices:
        """Frames that have an image."""
        return np.flatnonzero(self.frames.ok)

    def _find_source(self, frame: int) -> int:
        """The frame whose image stands for `frame`."""
        return int(self._whole[max(int(np.searchsorted(self._whole, frame, side="right")) - 1, 0)])


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
