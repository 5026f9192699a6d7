"""Tracked things as labels: outlines where a segmenter saw them, else the middle of their boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import LabelMap
from tasks.artifacts.tracks import Tracks
from tasks.label_propagation.mask_refinement import InstanceMasks
from tasks.sequence.label_map import UNKNOWN

BACKGROUND = 0
ELLIPSE_SCALE = 0.6  # of a box's sides: an ellipse of this size in its middle is the thing, the rest of the box unknown
MIN_MASK_IN_BOX = 0.6  # share of a mask that must lie in a box, and
MIN_BOX_FILL = 0.25  # share of the box that it must fill, to be its outline


@dataclass(frozen=True)
class LabelSubject:
    """What gets a value of its own."""

    name: str
    class_id: int
    track_id: int | None
    """None: all things of the class."""


def select_subjects(tracks: Tracks, value: Literal["class", "instance"], count: int) -> tuple[LabelSubject, ...]:
    """Classes, or things, with the most rows, at most `count`; of equals the first to appear."""
    keys = tracks.class_id if value == "class" else tracks.track_id
    found, first, rows = np.unique(keys, return_index=True, return_counts=True)
    order = np.lexsort((found, -rows))[:count]
    subjects: list[LabelSubject] = []
    for row in first[order]:
        name = str(tracks.class_name[row])
        track = None if value == "class" else int(tracks.track_id[row])
        subjects.append(LabelSubject(name if track is None else f"{name} {track}", int(tracks.class_id[row]), track))
    return tuple(subjects)


def rasterize_tracks(  # noqa: PLR0917
    tracks: Tracks,
    subjects: Sequence[LabelSubject],
    frames: Sequence[int],
    seen: Callable[[int], InstanceMasks] | None,
    size: tuple[int, int],
    min_score: float,
) -> dict[int, LabelMap]:
    """Frame to (h, w) values, 1 for the first subject; those of `frames` on which a subject was detected.

    What `seen` gives are outlines at that size; without it the middle of boxes counts.
    """
    scale = np.array([size[1] / tracks.width, size[0] / tracks.height] * 2) if len(tracks) else np.ones(4)
    values = {(s.class_id, s.track_id): number for number, s in enumerate(subjects, start=1)}
    by_track = bool(subjects) and subjects[0].track_id is not None
    found: dict[int, LabelMap] = {}
    for frame in frames:
        rows = np.flatnonzero(tracks.frame == frame)
        if not len(rows):
            continue
        boxes = tracks.xyxy[rows] * scale
        value = [
            values.get((int(tracks.class_id[row]), int(tracks.track_id[row]) if by_track else None), UNKNOWN)
            if tracks.score[row] >= min_score
            else UNKNOWN
            for row in rows
        ]
        labels = _rasterize_frame(boxes, tracks.class_id[rows], value, None if seen is None else seen(frame), size)
        if ((labels != BACKGROUND) & (labels != UNKNOWN)).any():
            found[frame] = labels
    return found


def _rasterize_frame(
    boxes: NDArray[np.floating], kinds: NDArray[np.int16], values: Sequence[int], seen: InstanceMasks | None,
    size: tuple[int, int],
) -> LabelMap:  # fmt: skip
    """(h, w) values; what is neither in a box nor under a mask is background."""
    labels = np.full(size, BACKGROUND, np.uint8)
    free = np.ones(0 if seen is None else len(seen.score), np.bool_)
    outlines: list[tuple[NDArray[np.bool_], int]] = []
    for box, kind, value in zip(boxes, kinds, values, strict=True):
        inside = fill_box(box, size)
        outline = None if seen is None else _match_mask(inside, int(kind), seen, free)
        if outline is not None:
            outlines.append((outline, value))
            continue
        labels[inside] = UNKNOWN
        if seen is None and value != UNKNOWN:
            outlines.append((_fill_ellipse(box, size), value))
    for number in np.flatnonzero(free):  # seen, but not tracked: who knows
        assert seen is not None
        labels[seen.masks[number]] = UNKNOWN
    # Of two that overlap the smaller is taken to be in front: it could not be seen behind the larger one.
    for outline, value in sorted(outlines, key=lambda pair: -int(pair[0].sum())):
        labels[outline] = value
    return labels


def _match_mask(
    inside: NDArray[np.bool_], kind: int, seen: InstanceMasks, free: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """The mask of this kind that fits the box best, no longer `free` then; None where none does."""
    best, taken = 0.0, -1
    for number in np.flatnonzero(free & (seen.category == kind)):
        mask = seen.masks[number]
        common = int((mask & inside).sum())
        share, fill = common / max(1, int(mask.sum())), common / max(1, int(inside.sum()))
        if share >= MIN_MASK_IN_BOX and fill >= MIN_BOX_FILL and share * fill > best:
            best, taken = share * fill, int(number)
    if taken < 0:
        return None
    free[taken] = False
    return seen.masks[taken]


def fill_box(box: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(h, w) the pixels of an xyxy box."""
    inside = np.zeros(size, np.bool_)
    left, top, right, bottom = np.rint(np.maximum(box, 0)).astype(int)
    inside[top:bottom, left:right] = True
    return inside


def _fill_ellipse(box: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.bool_]:
    drawn = np.zeros(size, np.uint8)
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * ELLIPSE_SCALE
    x, y = np.rint(middle).astype(int).tolist()
    across, down = np.maximum(1, np.rint(half)).astype(int).tolist()
    cv2.ellipse(drawn, (x, y), (across, down), 0, 0, 360, 1, cv2.FILLED)
    return drawn.astype(np.bool_)
