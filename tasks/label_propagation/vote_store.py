"""Votes of the frames that are fitted together: a window's, never those of a whole video."""

from __future__ import annotations

import numpy as np

from tasks.label_propagation.evidence import Votes


class VoteStore:
    """(frames, h, w, c) votes and their totals, kept in half precision and added up frame by frame."""

    def __init__(self, frames: int, height: int, width: int, classes: int) -> None:
        self._votes = np.zeros((frames, height, width, classes), np.float16)
        self._total = np.zeros((frames, height, width), np.float16)
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
