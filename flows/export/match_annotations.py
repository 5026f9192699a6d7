"""Pairs of exported rows and annotated boxes, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.export.annotated_boxes import AnnotatedBox
from flows.export.film_tracks import FilmTracks
from tasks.arrays import Boxes, Indices
from tasks.geometry.bounding_boxes import pairwise_iou

TOLERANCE_PX = 0.05
"""Pixels of the film by which a box that nobody touched may differ: files hold hundredths, rounded twice."""
MIN_IOU = 0.5
"""Overlap from which a box that was moved is still the same object's."""


@dataclass(frozen=True, eq=False)
class MatchedRows:
    """Which exported row each annotated box is."""

    rows: Indices
    """(n,) exported rows."""
    boxes: Indices
    """(n,) the annotated box of each."""
    deleted: Indices
    """Exported rows without a box."""
    added: Indices
    """Boxes without an exported row."""


def match_annotations(exported: FilmTracks, boxes: Sequence[AnnotatedBox]) -> MatchedRows:
    """The pairs in each frame: equal boxes first, then those of one identity that overlap, then any that overlap, and
    last what else has one identity."""
    frame = np.array([box.frame for box in boxes], np.int64)
    sides = np.array([box.xyxy for box in boxes], np.float64).reshape(-1, 4)
    identity = np.array([box.identity for box in boxes], np.int64)
    pairs: list[tuple[int, int]] = []
    for here in np.union1d(exported.frame, frame).tolist():
        rows, found = np.flatnonzero(exported.frame == here), np.flatnonzero(frame == here)
        same = exported.track_id[rows][:, None] == identity[found][None, :]
        pairs += [(int(rows[i]), int(found[j])) for i, j in _pair(exported.xyxy[rows], sides[found], same)]
    matched = np.array(pairs, np.intp).reshape(-1, 2)
    return MatchedRows(
        rows=matched[:, 0],
        boxes=matched[:, 1],
        deleted=np.setdiff1d(np.arange(len(exported)), matched[:, 0]),
        added=np.setdiff1d(np.arange(len(boxes)), matched[:, 1]),
    )


def is_moved(before: Boxes, after: Boxes) -> NDArray[np.bool_]:
    """(...,) whether any edge moved by more than rounding."""
    return np.abs(before - after).max(axis=-1, initial=0) > TOLERANCE_PX


def _pair(before: Boxes, after: Boxes, same: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Places of the pairs of one frame; `same` says which have one identity."""
    if not before.size or not after.size:
        return
    iou = pairwise_iou(before, after)
    equal = ~is_moved(before[:, None], after[None])
    # Each round has a score of its own above all later ones.
    score = 8 * equal + 4 * (same & (iou >= MIN_IOU)) + 2 * (iou >= MIN_IOU) + same + iou / 2
    score[~(equal | same | (iou >= MIN_IOU))] = 0
    while score.max() > 0:
        i, j = np.unravel_index(int(score.argmax()), score.shape)
        yield int(i), int(j)
        score[i], score[:, j] = 0, 0
