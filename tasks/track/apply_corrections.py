"""A table of tracks with the user's corrections: identities, classes, boxes moved, added and deleted.

All corrections of one export are looked up in the table as it is before them, and applied at once. One that finds
nothing, as the detections have changed, is left out and named in the notes of the table.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes, Indices
from tasks.artifacts.corrections import BOX, Correction, Corrections
from tasks.artifacts.tracks import ADDED_BY_HAND, Tracks
from tasks.track.corrected_identities import assign_identities
from tasks.track.corrected_rows import NONE, RowFinder

log = logging.getLogger("semflow")
SIDES = ("x1", "y1", "x2", "y2")
COLUMNS = ("frame", "track_id", "class_name", "score", *SIDES, "detection")
Columns = dict[str, NDArray[Any]]
FIRST_UNKNOWN_CLASS = 1000
"""Number of the first class that the detector does not know; COCO's go to 79, those of Objects365 to 364."""


@dataclass(frozen=True)
class Film:
    """The film that corrections are about."""

    frame: NDArray[np.int64]
    """(t,) frame of the film of each row of the frames artifact."""
    pts_s: NDArray[np.float64]
    """(t,) presentation time of each."""
    class_ids: Mapping[str, int]
    """Class name to the detector's number, of the classes that were found in this video."""
    name: str = ""
    """File name, for messages."""


def apply_corrections(tracks: Tracks, corrections: Corrections, film: Film) -> Tracks:
    """The corrected tracks; the same where there are no corrections."""
    for group in corrections.group_by_base():
        scale = np.tile([tracks.width / corrections.width, tracks.height / corrections.height], 2)
        tracks = _apply_group(tracks, group, film, scale)
    for note in tracks.notes:
        log.warning("%s: %s", film.name, note)
    return tracks


def _apply_group(tracks: Tracks, group: Sequence[Correction], film: Film, scale: Boxes) -> Tracks:
    finder = RowFinder(film.frame[tracks.frame], tracks.track_id, tracks.xyxy / scale, film.frame)
    found = [_find_rows(finder, one) for one in group]
    notes = [_describe_misfit(one) for one, rows in zip(group, found, strict=True) if _is_misfit(one, rows, film)]
    track_id = assign_identities(finder, group, found)
    columns = {name: getattr(tracks, name).copy() for name in COLUMNS} | {"track_id": track_id}
    keep = np.ones(len(tracks), bool)
    for one, rows in zip(group, found, strict=True):
        if one.kind == "delete":
            keep[np.concatenate(rows)] = False
        elif one.kind == "class":
            mine = np.isin(track_id, track_id[np.concatenate(rows)])
            columns["class_name"][mine] = one.class_name
        elif one.kind == "move" and one.boxes is not None:
            there = rows[0] != NONE
            for side, values in zip(SIDES, (one.boxes[there, BOX:] * scale).T, strict=True):
                columns[side][rows[0][there]] = values
    kept = {name: values[keep] for name, values in columns.items()}
    added = [_make_rows(one, rows[0], track_id, film, scale) for one, rows in zip(group, found, strict=True)]
    merged = _merge_rows(kept, [rows for rows in added if rows is not None], film)
    return replace(tracks, **merged, pts_s=film.pts_s[merged["frame"]], notes=(*tracks.notes, *notes))


def _find_rows(finder: RowFinder, one: Correction) -> list[Indices]:
    """The rows of each segment; else, in one array, the row of each box, or of each `near` box of added ones."""
    if one.segments:
        return [finder.find_segment(segment) for segment in one.segments]
    boxes = one.near if one.kind == "add" else one.boxes
    return [np.array([finder.find_row(box) for box in ([] if boxes is None else boxes[:, :BOX])], np.intp)]


def _is_misfit(one: Correction, found: Sequence[Indices], film: Film) -> bool:
    """Whether nothing was found of a part of the correction that is about frames at hand."""
    if one.kind == "add":
        return one.near is not None and len(one.near) > 0 and bool((found[0] == NONE).all())
    if one.kind == "move" and one.boxes is not None:
        return bool((found[0] == NONE)[np.isin(one.boxes[:, 0], film.frame)].any())
    return any(not len(rows) for rows in found)


def _describe_misfit(one: Correction) -> str:
    first, last = one.frames
    return (
        f"the correction {one.kind!r} of frames {first} to {last} of the film must find its object, got none in a "
        "part of them: the detections have changed since; correct a new export, or remove the correction"
    )


@dataclass(frozen=True, eq=False)
class _AddedRows:
    """Rows of one added object or part."""

    frame: NDArray[np.int32]
    xyxy: Boxes
    identity: int
    """NONE for a new one."""
    class_name: str


def _make_rows(
    one: Correction, near: Indices, track_id: NDArray[np.int32], film: Film, scale: Boxes
) -> _AddedRows | None:
    """The rows of an added object in the frames at hand; None for other corrections."""
    if one.kind != "add" or one.boxes is None:
        return None
    place = np.searchsorted(film.frame, one.boxes[:, 0]).clip(max=max(len(film.frame) - 1, 0))
    there = film.frame[place] == one.boxes[:, 0] if len(film.frame) else np.zeros(len(place), bool)
    known = near[near != NONE]
    identity = int(track_id[known[0]]) if len(known) else NONE
    return _AddedRows(place[there].astype(np.int32), one.boxes[there, 1:] * scale, identity, one.class_name)


def _merge_rows(columns: Columns, added: Sequence[_AddedRows], film: Film) -> Columns:
    """All rows in order: one per frame and identity, one class per identity."""
    parts, fresh = [columns], int(columns["track_id"].max(initial=0)) + 1
    for rows in added:
        identity, fresh = (fresh, fresh + 1) if rows.identity == NONE else (rows.identity, fresh)
        count = len(rows.frame)
        parts.append(
            {
                "frame": rows.frame,
                "track_id": np.full(count, identity, np.int32),
                "class_name": np.full(count, rows.class_name, object),
                "score": np.ones(count, np.float32),
                "detection": np.full(count, ADDED_BY_HAND, np.int32),
                **dict(zip(SIDES, rows.xyxy.astype(np.float32).T, strict=True)),
            }
        )
    whole = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    # Of several rows of one frame and identity, the one that a person added, else the surest.
    order = np.lexsort((-whole["score"], whole["detection"] != ADDED_BY_HAND, whole["track_id"], whole["frame"]))
    frame, track_id = whole["frame"][order], whole["track_id"][order]
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(frame) != 0) | (np.diff(track_id) != 0)
    whole = {name: values[order][first] for name, values in whole.items()}
    whole["class_name"] = _unify_classes(whole["track_id"], whole["class_name"])
    return whole | {"class_id": _number_classes(whole["class_name"], film.class_ids)}


def _unify_classes(track_id: NDArray[np.int32], class_name: NDArray[np.object_]) -> NDArray[np.object_]:
    """(n,) one class for each identity: that of most of its rows, of equally many the first by name."""
    found = class_name.copy()
    for identity in np.unique(track_id).tolist():
        mine = track_id == identity
        names, counts = np.unique(class_name[mine].astype(str), return_counts=True)
        found[mine] = str(names[counts.argmax()])
    return found


def _number_classes(class_name: NDArray[np.object_], class_ids: Mapping[str, int]) -> NDArray[np.int16]:
    """(n,) the detector's numbers; classes that it does not know come after all that it could, by name."""
    unknown = sorted(set(class_name.tolist()) - class_ids.keys())
    numbers = {**class_ids, **{name: FIRST_UNKNOWN_CLASS + place for place, name in enumerate(unknown)}}
    return np.array([numbers[name] for name in class_name.tolist()], np.int16)
