"""Pseudo-labels from tracks: tracked boxes rasterised into label maps.

With a segmenter, a box becomes the instance mask of its class that fits it best, and the rest of the box is unknown.
Without one, the ellipse in the middle of the box is the object and the rest of the box is unknown.
"""

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
from tasks.sequence.label_map import BACKGROUND, UNKNOWN

ELLIPSE_SCALE = 0.6  # axes of the ellipse that is labelled, as a share of the box's sides
MIN_MASK_IN_BOX = 0.6  # share of a mask that must lie in its box
MIN_BOX_FILL = 0.25  # share of the box that its mask must cover


@dataclass(frozen=True)
class LabelSubject:
    """What one value of the label maps stands for: a class, or one track."""

    name: str
    class_id: int
    track_id: int | None
    """None: all objects of the class."""


def select_subjects(tracks: Tracks, kind: Literal["class", "instance"], count: int) -> tuple[LabelSubject, ...]:
    """At most `count` classes, or tracks, those with most detections; ties go to the smaller id."""
    keys = tracks.class_id if kind == "class" else tracks.track_id
    found, first, rows = np.unique(keys, return_index=True, return_counts=True)
    order = np.lexsort((found, -rows))[:count]
    subjects: list[LabelSubject] = []
    for row in first[order]:
        name = str(tracks.class_name[row])
        track = None if kind == "class" else int(tracks.track_id[row])
        subjects.append(LabelSubject(name if track is None else f"{name} {track}", int(tracks.class_id[row]), track))
    return tuple(subjects)


def rasterize_tracks(  # noqa: PLR0917  one caller, which has all of them as local values
    tracks: Tracks,
    subjects: Sequence[LabelSubject],
    frames: Sequence[int],
    segment: Callable[[int], InstanceMasks] | None,
    size: tuple[int, int],
    min_score: float,
) -> dict[int, LabelMap]:
    """Frame number to (h, w) values, n for the n-th subject counted from 1; frames without a subject are left out.

    Detections of other objects, and those below `min_score`, are unknown. `segment` gives instance masks of a frame at
    `size` (height, width); None draws ellipses.
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
        labels = _rasterize_frame(
            boxes, tracks.class_id[rows], value, None if segment is None else segment(frame), size
        )
        if ((labels != BACKGROUND) & (labels != UNKNOWN)).any():
            found[frame] = labels
    return found


def _rasterize_frame(
    boxes: NDArray[np.floating], kinds: NDArray[np.int16], values: Sequence[int], masks: InstanceMasks | None,
    size: tuple[int, int],
) -> LabelMap:  # fmt: skip
    """(h, w) values of one frame; what is neither in a box nor in a mask is background."""
    labels = np.full(size, BACKGROUND, np.uint8)
    free = np.ones(0 if masks is None else len(masks.score), np.bool_)
    drawn_masks: list[tuple[NDArray[np.bool_], int]] = []
    for box, kind, value in zip(boxes, kinds, values, strict=True):
        inside = fill_box(box, size)
        mask = None if masks is None else _match_mask(inside, int(kind), masks, free)
        if mask is not None:
            drawn_masks.append((mask, value))
            continue
        labels[inside] = UNKNOWN
        if masks is None and value != UNKNOWN:
            drawn_masks.append((_fill_ellipse(box, size), value))
    for number in np.flatnonzero(free):  # segmented, but not tracked: of unknown value
        assert masks is not None
        labels[masks.masks[number]] = UNKNOWN
    # Larger masks first: the smaller of two that overlap would be hidden if it were behind.
    for mask, value in sorted(drawn_masks, key=lambda pair: -int(pair[0].sum())):
        labels[mask] = value
    return labels


def _match_mask(
    inside: NDArray[np.bool_], kind: int, masks: InstanceMasks, free: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """The mask of class `kind` that fits the box best, taken out of `free`; None where none fits."""
    best, taken = 0.0, -1
    for number in np.flatnonzero(free & (masks.category == kind)):
        candidate = masks.masks[number]
        common = int((candidate & inside).sum())
        share, fill = common / max(1, int(candidate.sum())), common / max(1, int(inside.sum()))
        if share >= MIN_MASK_IN_BOX and fill >= MIN_BOX_FILL and share * fill > best:
            best, taken = share * fill, int(number)
    if taken < 0:
        return None
    free[taken] = False
    return masks.masks[taken]


def fill_box(box: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(h, w) mask of the pixels in an xyxy box."""
    inside = np.zeros(size, np.bool_)
    left, top, right, bottom = np.rint(np.maximum(box, 0)).astype(int)
    inside[top:bottom, left:right] = True
    return inside


def _fill_ellipse(box: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(h, w) mask of the labelled ellipse of an xyxy box."""
    canvas = np.zeros(size, np.uint8)
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * ELLIPSE_SCALE
    x, y = np.rint(middle).astype(int).tolist()
    across, down = np.maximum(1, np.rint(half)).astype(int).tolist()
    cv2.ellipse(canvas, (x, y), (across, down), 0, 0, 360, 1, cv2.FILLED)
    return canvas.astype(np.bool_)
