"""Corrections applied to tables of tracks, also where the table has changed since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flows.export.annotated_boxes import AnnotatedBox, AnnotatedFilm
from flows.export.derive_corrections import derive_corrections
from flows.export.film_tracks import FilmTracks
from tasks.artifacts.corrections import Corrections
from tasks.artifacts.tracks import ADDED_BY_HAND, Tracks
from tasks.track.apply_corrections import FIRST_UNKNOWN_CLASS, Film, apply_corrections
from tests.factories.tracks import make_tracks

FRAMES, SCALE, BASE = 24, 2, "b" * 32
CLASS_IDS = {"person": 0, "car": 2}


def film_of(tracks: Tracks) -> Film:
    return Film(np.arange(tracks.frame_count, dtype=np.int64), np.arange(tracks.frame_count) / 25, CLASS_IDS)


def place(tracks: Tracks) -> FilmTracks:
    return FilmTracks(
        tracks.frame.astype(np.int64), tracks.track_id, tracks.class_name, tracks.score,
        tracks.xyxy.astype(np.float64) * SCALE, tracks.detection >= 0,
    )  # fmt: skip


def annotate(tracks: Tracks) -> list[AnnotatedBox]:
    """The boxes as the tool has them after an export: each identity a track."""
    rows = place(tracks)
    return [
        AnnotatedBox(int(rows.frame[n]), tuple(rows.xyxy[n].round(2).tolist()), str(rows.class_name[n]),
                     int(rows.track_id[n]), f"t{rows.track_id[n]}")
        for n in range(len(rows))
    ]  # fmt: skip


def correct(tracks: Tracks, boxes: list[AnnotatedBox], on: Tracks | None = None) -> Tracks:
    """The corrections of `tracks` that `boxes` hold, written, read and applied to `on`."""
    size = tracks.width * SCALE, tracks.height * SCALE
    film = AnnotatedFilm("film", *size, range(FRAMES), boxes)
    found = derive_corrections(place(tracks), film, BASE)
    there = on or tracks
    return apply_corrections(there, Corrections(*size, tuple(found)), film_of(there))


def truth(tracks: Tracks) -> dict[tuple[int, int], list[float]]:
    return {(int(f), int(t)): b for f, t, b in zip(tracks.frame, tracks.track_id, tracks.xyxy.tolist(), strict=True)}


@pytest.fixture
def tracks() -> Tracks:
    return make_tracks(FRAMES, 48, 32)


def content(tracks: Tracks) -> dict[str, Any]:
    return {field.name: getattr(tracks, field.name).tolist() for field in tracks.column_fields()}


def test_annotations_that_nobody_touched_are_no_corrections(tracks: Tracks) -> None:
    film = AnnotatedFilm("film", 96, 64, range(FRAMES), annotate(tracks))
    assert derive_corrections(place(tracks), film, BASE) == []


def test_identities_that_were_exchanged_from_a_frame_on_are_exchanged_back(tracks: Tracks) -> None:
    swap = {1: 2, 2: 1}
    boxes = [replace(b, identity=swap.get(b.identity, b.identity)) if b.frame >= 12 else b for b in annotate(tracks)]
    found = correct(tracks, boxes)
    for (frame, identity), box in truth(tracks).items():
        assert truth(found)[frame, swap.get(identity, identity) if frame >= 12 else identity] == box
    assert len(found) == len(tracks)


def test_a_track_that_the_tool_split_becomes_two(tracks: Tracks) -> None:
    boxes = [replace(b, track="later") if b.track == "t1" and b.frame >= 15 else b for b in annotate(tracks)]
    found = correct(tracks, boxes)
    assert found.frame[found.track_id == 1].tolist() == list(range(15))
    assert found.frame[found.track_id == 4].tolist() == list(range(15, FRAMES))


def test_tracks_that_the_tool_joined_become_one(tracks: Tracks) -> None:
    """Person 1 up to frame 11 and person 2 from 12 on, of tracks that end and begin there."""
    first = tracks.take(
        ~((tracks.track_id == 1) & (tracks.frame >= 12)) & ~((tracks.track_id == 2) & (tracks.frame < 12))
    )
    boxes = [replace(b, track="t1") if b.track == "t2" else b for b in annotate(first)]
    found = correct(first, boxes)
    assert found.frame[found.track_id == 1].tolist() == list(range(FRAMES))
    assert 2 not in found.track_id


def test_a_number_given_by_hand_is_kept(tracks: Tracks) -> None:
    boxes = [replace(b, identity=40) if b.track == "t1" else b for b in annotate(tracks)]
    assert set(correct(tracks, boxes).track_id.tolist()) == {2, 3, 40}


def test_boxes_are_moved_added_and_deleted(tracks: Tracks) -> None:
    boxes = [b for b in annotate(tracks) if not (b.track == "t2" and b.frame < 4)]
    place_of = {(b.track, b.frame): n for n, b in enumerate(boxes)}
    boxes[place_of["t1", 5]] = replace(boxes[place_of["t1", 5]], xyxy=(10.0, 4.0, 40.0, 40.0))
    boxes += [AnnotatedBox(n, (80.0, 42.0, 94.0, 52.0), "car", 3, "t3") for n in range(9, 12)]
    boxes += [AnnotatedBox(n, (1.0, 40.0, 9.0, 60.0), "dog", 0, "new") for n in range(3)]
    found = correct(tracks, boxes)
    there = truth(found)
    assert not any((frame, 2) in there for frame in range(4))
    assert there[5, 1] == [5, 2, 20, 20]
    assert [there[n, 3] for n in range(9, 12)] == [[40, 21, 47, 26]] * 3
    assert [there[n, 4] for n in range(3)] == [[0.5, 20, 4.5, 30]] * 3
    dog = found.take(found.track_id == 4)
    assert dog.class_id.tolist() == [FIRST_UNKNOWN_CLASS] * 3
    assert dog.detection.tolist() == [ADDED_BY_HAND] * 3


def test_a_class_is_changed_for_the_whole_object(tracks: Tracks) -> None:
    boxes = [replace(b, class_name="car", identity=0) if b.track == "t2" else b for b in annotate(tracks)]
    found = correct(tracks, boxes)
    assert set(found.class_name[found.track_id == 2]) == {"car"}
    assert set(found.class_id[found.track_id == 2].tolist()) == {2}
    assert set(found.class_name[found.track_id == 1]) == {"person"}


def test_corrections_find_their_objects_where_tracks_have_other_numbers_and_boxes(tracks: Tracks) -> None:
    swap = {1: 2, 2: 1}
    boxes = [replace(b, identity=swap.get(b.identity, b.identity)) if b.frame >= 12 else b for b in annotate(tracks)]
    jitter = np.float32(0.4) * np.sin(np.arange(len(tracks), dtype=np.float32))
    numbers = np.array([0, 2, 3, 1], np.int32)[tracks.track_id]
    order = np.lexsort((numbers, tracks.frame))
    renumbered = Tracks(
        **{
            field.name: {"track_id": numbers, "x1": tracks.x1 + jitter, "x2": tracks.x2 + jitter}.get(
                field.name, getattr(tracks, field.name)
            )[order]
            for field in tracks.column_fields()
        },
        frame_count=FRAMES,
        width=48,
        height=32,
    )
    found = correct(tracks, boxes, renumbered)
    assert found.notes == ()
    upper = found.y1 < 10
    assert set(found.track_id[upper & (found.frame < 12)].tolist()) == {2}, "person 1 is number 2 now"
    assert set(found.track_id[upper & (found.frame >= 12)].tolist()) == {3}


def test_a_correction_that_fits_nothing_is_named_and_the_others_are_applied(tracks: Tracks) -> None:
    boxes = [replace(b, identity=40) if b.track == "t1" else b for b in annotate(tracks)]
    boxes = [b for b in boxes if b.track != "t3"]
    found = correct(tracks, boxes, tracks.take(tracks.track_id != 1))
    assert len(found.notes) == 1
    assert found.notes[0].startswith("the correction 'identity' of frames 0 to 23 of the film must find its object")
    assert set(found.track_id.tolist()) == {2}, "the car is deleted still"


def test_corrections_hold_at_half_the_frame_rate_and_another_size(tracks: Tracks) -> None:
    swap = {1: 2, 2: 1}
    boxes = [replace(b, identity=swap.get(b.identity, b.identity)) if b.frame >= 12 else b for b in annotate(tracks)]
    size = tracks.width * SCALE, tracks.height * SCALE
    corrections = derive_corrections(place(tracks), AnnotatedFilm("film", *size, range(FRAMES), boxes), BASE)
    odd = tracks.take(tracks.frame % 2 == 1)
    half = replace(
        odd, frame=(odd.frame // 2).astype(np.int32), frame_count=FRAMES // 2, width=24, height=16,
        **{side: getattr(odd, side) / 2 for side in ("x1", "y1", "x2", "y2")},
    )  # fmt: skip
    found = apply_corrections(
        half,
        Corrections(*size, tuple(corrections)),
        Film(np.arange(1, FRAMES, 2, dtype=np.int64), np.arange(1, FRAMES, 2) / 25, CLASS_IDS),
    )
    upper = found.y1 < 5
    assert found.notes == ()
    assert found.track_id[upper].tolist() == [1] * 6 + [2] * 6


def test_without_corrections_the_tracks_stay_as_they_are(tracks: Tracks) -> None:
    assert apply_corrections(tracks, Corrections.absent(), film_of(tracks)) is tracks
