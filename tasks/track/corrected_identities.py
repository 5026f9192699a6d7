"""Identities of rows after corrections that say which segments are one object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.corrections import Correction
from tasks.track.corrected_rows import NONE, RowFinder


def assign_identities(
    finder: RowFinder, group: Sequence[Correction], found: Sequence[Sequence[Indices]]
) -> NDArray[np.int32]:
    """(n,) the identity of each row; `found` holds the rows of the segments of each correction of `group`.

    Rows of a corrected track that no segment covers, as it is longer now than when it was exported, go with the
    nearest row in time that one covers. An object keeps the number of the track that had its name when it was exported.
    """
    object_of_row = np.full(len(finder.track_id), NONE, np.int64)
    for number, (one, segments) in enumerate(zip(group, found, strict=True)):
        if one.kind == "identity":
            object_of_row[np.concatenate(segments)] = number
    _extend_to_whole_tracks(finder, object_of_row)
    track_id = finder.track_id.copy()
    taken = set(track_id[object_of_row == NONE].tolist())
    for number, (one, segments) in enumerate(zip(group, found, strict=True)):
        mine = object_of_row == number
        if one.kind != "identity" or not mine.any():
            continue
        identity = _choose_number(finder, one, segments)
        if identity in taken or identity < 1:
            identity = max(int(finder.track_id.max()), max(taken, default=0)) + 1
        taken.add(identity)
        track_id[mine] = identity
    return track_id


def _extend_to_whole_tracks(finder: RowFinder, object_of_row: NDArray[np.int64]) -> None:
    """Give uncovered rows of covered tracks the object of the covered row nearest in time, in place."""
    for identity in np.unique(finder.track_id[object_of_row != NONE]).tolist():
        mine = np.flatnonzero(finder.track_id == identity)
        covered = mine[object_of_row[mine] != NONE]
        rest = mine[object_of_row[mine] == NONE]
        nearest = np.abs(finder.frame[rest, None] - finder.frame[None, covered]).argmin(axis=1)
        object_of_row[rest] = object_of_row[covered[nearest]]


def _choose_number(finder: RowFinder, one: Correction, segments: Sequence[Indices]) -> int:
    """The present number of the track that was called `one.identity`, if the object has part of it; else that name."""
    parts = [rows for segment, rows in zip(one.segments, segments, strict=True) if segment.was == one.identity]
    rows = np.concatenate(parts) if parts else np.zeros(0, np.intp)
    if not len(rows):
        return one.identity
    names, counts = np.unique(finder.track_id[rows], return_counts=True)
    return int(names[counts.argmax()])
