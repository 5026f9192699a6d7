"""Corrections as the differences of annotated boxes from the tracks that were exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from flows.export.annotated_boxes import AnnotatedFilm
from flows.export.annotated_objects import NEW, AnnotatedObject, check_single_boxes, group_objects
from flows.export.film_tracks import FilmTracks
from flows.export.match_annotations import is_moved, match_annotations
from tasks.arrays import Boxes, Floats, Indices
from tasks.artifacts.corrections import Correction, Segment

BOX_INTERVAL = 10
"""Frames between the boxes that name a segment: an object moves little compared to its size meanwhile."""
NEAR_BOXES = 2
"""Boxes that name the object which an added box belongs to."""


def derive_corrections(exported: FilmTracks, film: AnnotatedFilm, base: str) -> list[Correction]:
    """The corrections that turn `exported` into the annotations; frames that were not annotated stay as they are.

    BadInput where an identity has two boxes in one frame.
    """
    exported = exported.take(np.flatnonzero(np.isin(exported.frame, list(film.frames))))
    matched = match_annotations(exported, film.boxes)
    objects = group_objects(exported, film.boxes, matched)
    check_single_boxes(objects, film)
    sides = np.array([box.xyxy for box in film.boxes], np.float64).reshape(-1, 4)
    frame = np.array([box.frame for box in film.boxes], np.float64)
    boxes = np.concatenate([frame[:, None], sides], axis=1)
    return [
        *_find_identities(exported, objects, base),
        *_find_classes(exported, objects, base),
        *_find_deletions(exported, matched.deleted, base),
        *_find_moves(exported, objects, boxes, base),
        *_find_additions(exported, objects, boxes, base),
    ]


def _find_identities(exported: FilmTracks, objects: Sequence[AnnotatedObject], base: str) -> Iterator[Correction]:
    """One for each object that is not, or not alone, the track that it was."""
    shared = Counter(was for one in objects for was in set(exported.track_id[one.rows].tolist()))
    for one in objects:
        was = set(exported.track_id[one.rows].tolist())
        if was and (was != {one.number} or any(shared[identity] > 1 for identity in was)):
            others = np.concatenate([other.rows for other in objects if other is not one] or [one.rows[:0]])
            segments = make_segments(exported, one.rows, others)
            if segments:
                yield Correction("identity", base, identity=one.number, segments=segments)


def _find_classes(exported: FilmTracks, objects: Sequence[AnnotatedObject], base: str) -> Iterator[Correction]:
    """One for each object whose class is not that of most of its rows."""
    for one in objects:
        if len(one.rows) and Counter(exported.class_name[one.rows].tolist()).most_common(1)[0][0] != one.class_name:
            segments = make_segments(exported, one.rows, one.rows[:0])
            if segments:
                yield Correction("class", base, class_name=one.class_name, segments=segments)


def _find_deletions(exported: FilmTracks, deleted: Indices, base: str) -> Iterator[Correction]:
    """One for each identity that lost rows."""
    kept = np.setdiff1d(np.arange(len(exported)), deleted)
    for identity in np.unique(exported.track_id[deleted]).tolist():
        rows = deleted[exported.track_id[deleted] == identity]
        segments = make_segments(exported, rows, kept)
        if segments:
            yield Correction("delete", base, segments=segments)


def _find_moves(
    exported: FilmTracks, objects: Sequence[AnnotatedObject], boxes: Floats, base: str
) -> Iterator[Correction]:
    """One for each object that has boxes whose edges differ."""
    for one in objects:
        before, after = exported.boxes(one.rows), boxes[one.boxes]
        moved = is_moved(before[:, 1:], after[:, 1:]) & _has_area(before)
        if moved.any():
            rows = _first_of_frames(np.concatenate([before, after[:, 1:]], axis=1)[moved])
            yield Correction("move", base, boxes=rows)


def _find_additions(
    exported: FilmTracks, objects: Sequence[AnnotatedObject], boxes: Floats, base: str
) -> Iterator[Correction]:
    """One for each object that has boxes which were not exported."""
    for one in objects:
        if not len(one.added):
            continue
        added, known = boxes[one.added], exported.boxes(one.rows)
        known = known[_has_area(known)]
        distance = np.abs(known[:, :1] - added[None, :, 0]).min(axis=1) if len(known) else known[:, 0]
        near = np.sort(np.argsort(distance, kind="stable")[:NEAR_BOXES])
        number = one.number if len(known) or one.number else NEW
        yield Correction(
            "add",
            base,
            identity=number,
            class_name=one.class_name,
            near=_first_of_frames(known[near]),
            boxes=_first_of_frames(added),
        )


def make_segments(exported: FilmTracks, rows: Indices, others: Indices) -> tuple[Segment, ...]:
    """The stretches of `rows` on each exported track, ended where `others` has a row of that track in between."""
    found: list[Segment] = []
    for identity in np.unique(exported.track_id[rows]).tolist():
        mine = rows[exported.track_id[rows] == identity]
        mine = mine[np.argsort(exported.frame[mine], kind="stable")]
        breaks = np.sort(exported.frame[others[exported.track_id[others] == identity]])
        part = np.searchsorted(breaks, exported.frame[mine])
        for stretch in np.unique(part).tolist():
            boxes = exported.boxes(mine[part == stretch])
            boxes = boxes[_has_area(boxes)]
            if len(boxes):
                found.append(Segment(identity, boxes[_choose_boxes(boxes)]))
    return tuple(sorted(found, key=lambda segment: (segment.boxes[0, 0], segment.was)))


def _choose_boxes(boxes: Floats) -> Indices:
    """The first box, the last one, and one every BOX_INTERVAL frames."""
    wanted = np.arange(boxes[0, 0], boxes[-1, 0], BOX_INTERVAL)
    places = np.searchsorted(boxes[:, 0], wanted)
    return np.unique([*places.tolist(), len(boxes) - 1])


def _has_area(boxes: Boxes) -> np.ndarray:
    return (boxes[:, 1] < boxes[:, 3]) & (boxes[:, 2] < boxes[:, 4])


def _first_of_frames(boxes: Floats) -> Floats:
    """The boxes with one per frame, the first, in order of frames."""
    return boxes[np.unique(boxes[:, 0], return_index=True)[1]]
