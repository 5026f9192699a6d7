"""Votes of a whole clip, in memory where they are few, else in a temporary file: a long video is never held whole."""

from __future__ import annotations

import math
import tempfile

import numpy as np
from numpy.typing import NDArray

from tasks.fit_field.evidence import Votes

IN_MEMORY_BYTES = 512 << 20


class Store:
    """(frames, h, w, c) votes and their totals, kept in half precision and added up frame by frame."""

    def __init__(self, frames: int, height: int, width: int, classes: int) -> None:
        self._votes = _zeros((frames, height, width, classes))
        self._total = _zeros((frames, height, width))
        self._there = np.zeros(frames, np.bool_)

    def add(self, frame: int, more: Votes) -> None:
        """Add votes to those of `frame`."""
        self._votes[frame] += more.votes.astype(np.float16)
        self._total[frame] += more.total.astype(np.float16)
        self._there[frame] = True

    def __getitem__(self, frame: int) -> Votes | None:
        """The votes of `frame`; None where none were added."""
        if not self._there[frame]:
            return None
        return Votes(self._votes[frame].astype(np.float32), self._total[frame].astype(np.float32))

    def __len__(self) -> int:
        return len(self._there)


def _zeros(shape: tuple[int, ...]) -> NDArray[np.float16]:
    if 2 * math.prod(shape) <= IN_MEMORY_BYTES:
        return np.zeros(shape, np.float16)
    with tempfile.TemporaryFile() as file:  # the mapping outlives it, and goes with the array
        mapped: NDArray[np.float16] = np.memmap(file, np.float16, "w+", shape=shape)
        return mapped
