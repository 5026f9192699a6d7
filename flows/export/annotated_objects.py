"""Objects of annotated boxes: which boxes are one identity, which exported rows it had, and its number.

An object is a track of the annotation tool: whatever it holds is one identity, by which a track that was split there is
two and tracks that were joined are one. A number that a person changed at a box takes precedence: that box belongs to
the object that has this number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flows.export.annotated_boxes import AnnotatedBox, AnnotatedFilm
from flows.export.film_tracks import FilmTracks
from flows.export.match_annotations import MatchedRows
from tasks.arrays import Indices
from tasks.errors import BadInput

NEW = 0
"""Number of an object that has none yet."""
MAX_SHOWN = 5
"""Identities that an error names."""
ObjectKey = tuple[str, str | int]
"""("track", the tool's track), or ("number", a number that a person gave)."""


@dataclass(frozen=True, eq=False)
class AnnotatedObject:
    """One identity in the annotations."""

    number: int
    """The identity in the export that it continues, or that a person gave; NEW for neither."""
    class_name: str
    rows: Indices
    """Exported rows of it, in order of time."""
    boxes: Indices
    """The annotated box of each."""
    added: Indices
    """Its boxes without an exported row, in order of time."""


def group_objects(exported: FilmTracks, boxes: Sequence[AnnotatedBox], matched: MatchedRows) -> list[AnnotatedObject]:
    """The objects, in the order of their first box."""
    row_of_box = dict(zip(matched.boxes.tolist(), matched.rows.tolist(), strict=True))
    homes = _find_homes(exported, boxes, row_of_box)
    members: dict[ObjectKey, list[int]] = defaultdict(list)
    for place, box in enumerate(boxes):
        row = row_of_box.get(place)
        was = NEW if row is None else int(exported.track_id[row])
        members[_name_object(box, was, homes)].append(place)
    found: list[AnnotatedObject] = []
    for key, places in members.items():
        ordered = np.array(sorted(places, key=lambda place: boxes[place].frame), np.intp)
        there = np.array([place in row_of_box for place in ordered.tolist()], bool)
        rows = np.array([row_of_box[place] for place in ordered[there].tolist()], np.intp)
        names = Counter(boxes[place].class_name for place in places)
        number = _number_object(key, homes, Counter(exported.track_id[rows].tolist()))
        found.append(AnnotatedObject(number, names.most_common(1)[0][0], rows, ordered[there], ordered[~there]))
    return found


def check_single_boxes(objects: Sequence[AnnotatedObject], film: AnnotatedFilm) -> None:
    """BadInput where an object has several boxes in one frame, of which the tracks could keep but one."""
    found = [(one, frames) for one in objects if len(frames := _find_double_frames(one, film.boxes))]
    if not found:
        return
    shown = [f"{_name_number(one)} has two or more in {_name_frames(frames)}" for one, frames in found[:MAX_SHOWN]]
    more = f"; {len(found) - MAX_SHOWN} more identities" if len(found) > MAX_SHOWN else ""
    raise BadInput(
        f"{film.name}: an identity must have at most one box in a frame, got: {'; '.join(shown)}{more}. Give one of "
        "the two objects another identity from there on, or delete its boxes, and export again; nothing was imported"
    )


def _find_double_frames(one: AnnotatedObject, boxes: Sequence[AnnotatedBox]) -> list[int]:
    """Frames in which the object has more than one box, in order."""
    counts = Counter(boxes[place].frame for place in [*one.boxes.tolist(), *one.added.tolist()])
    return sorted(frame for frame, count in counts.items() if count > 1)


def _name_number(one: AnnotatedObject) -> str:
    return f"identity {one.number}" if one.number != NEW else f"a new {one.class_name}"


def _name_frames(frames: Sequence[int]) -> str:
    if len(frames) == 1:
        return f"frame {frames[0]}"
    return f"{len(frames):,} frames from {frames[0]} to {frames[-1]}"


def _find_homes(
    exported: FilmTracks, boxes: Sequence[AnnotatedBox], row_of_box: Mapping[int, int]
) -> Mapping[int, str]:
    """Exported identity to the tool's track that has most of it under its own number."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for place, row in row_of_box.items():
        was, box = int(exported.track_id[row]), boxes[place]
        if box.track and box.identity in (NEW, was):
            counts[was][box.track] += 1
    return {was: tracks.most_common(1)[0][0] for was, tracks in counts.items()}


def _name_object(box: AnnotatedBox, was: int, homes: Mapping[int, str]) -> ObjectKey:
    """The object that a box belongs to; `was` is the identity of its exported row, NEW without one."""
    is_renamed = box.identity != NEW and (box.identity != was if was else homes.get(box.identity) != box.track)
    if not box.track or is_renamed:
        return ("track", homes[box.identity]) if box.identity in homes else ("number", box.identity)
    return "track", box.track


def _number_object(key: ObjectKey, homes: Mapping[int, str], was: Counter[int]) -> int:
    kind, name = key
    if kind == "number" and isinstance(name, int):
        return name
    own = [identity for identity, _ in was.most_common() if homes.get(identity) == name]
    return own[0] if own else NEW
