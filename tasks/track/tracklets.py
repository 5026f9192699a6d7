"""Tracklets as two columns, (tracklet, detection): the form in which tracks pass from step to step of the tracker."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices


@dataclass(frozen=True, eq=False)
class Tracklets:
    """Rows ordered by tracklet, then frame; every tracklet has at least one row."""

    tracklet: Indices
    """(n,) number of the tracklet, from 0 without holes, in order of appearance."""
    detection: Indices
    """(n,) row of the detections artifact; ascending within a tracklet, and never used twice."""

    @classmethod
    def from_pairs(cls, label: Indices, detection: Indices) -> Tracklets:
        """Tracklets from (label, detection) pairs in any order; labels are replaced by numbers."""
        order = np.lexsort((detection, label))
        label, detection = label[order], detection[order]
        first = np.flatnonzero(np.diff(label, prepend=-1))
        # Detections are ordered by frame, then score: so are first appearances, and with them the numbers.
        rank = np.empty(len(first), np.intp)
        rank[np.argsort(detection[first])] = np.arange(len(first))
        number = np.repeat(rank, np.diff(first, append=len(label)))
        order = np.lexsort((detection, number))
        return cls(number[order], detection[order])

    def __len__(self) -> int:
        return int(self.tracklet[-1]) + 1 if len(self.tracklet) else 0

    @cached_property
    def first(self) -> Indices:
        """(len,) row at which each tracklet starts."""
        return np.flatnonzero(np.diff(self.tracklet, prepend=-1))

    @cached_property
    def last(self) -> Indices:
        """(len,) row at which each tracklet ends."""
        return np.append(self.first[1:], len(self.tracklet))[: len(self)] - 1

    @property
    def size(self) -> Indices:
        """(len,) number of detections of each tracklet."""
        return self.last - self.first + 1

    def select_tracklets(self, wanted: NDArray[np.bool_]) -> Tracklets:
        """The tracklets for which `wanted`, (len,), is true, renumbered."""
        rows = wanted[self.tracklet]
        return Tracklets.from_pairs(self.tracklet[rows], self.detection[rows])

    def split_by(self, group: NDArray[np.integer]) -> Tracklets:
        """Each tracklet in as many as its detections have groups; `group` has the number of each detection's."""
        mine = group[self.detection]
        label = np.unique(np.stack([self.tracklet, mine]), axis=1, return_inverse=True)[1].reshape(-1)
        return Tracklets.from_pairs(label, self.detection)
