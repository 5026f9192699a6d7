"""What holds for tracks whatever the detector says."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError
from tasks.track.online_tracking import form_tracklets
from tasks.track.tracker_presets import PRESETS
from tests.track.scenes import SETTINGS, make_detections, make_params, scenes, track_frames, walk

WAYS: list[dict[str, Any]] = [
    {"n_init": 1},
    {"n_init": 2, "max_gap_s": 2, "link_max_gap_s": 8, "smoothing_s": 20.0, "interpolate": True, "min_confidence": 0.3},
    {
        "n_init": 1,
        "momentum": 0.2,
        "observation_recovery": True,
        "fuse_score": True,
        "score_adaptive_noise": True,
        "interpolate": True,
    },
    *map(dict, PRESETS.values()),
]


def rows(tracks: Tracks) -> list[tuple[Any, ...]]:
    """The rows without their times."""
    names = [f.name for f in tracks.column_fields() if f.name != "pts_s"]
    return list(zip(*(getattr(tracks, name).tolist() for name in names), strict=True))


@settings(max_examples=150)
@given(scenes(), st.sampled_from(WAYS))
def test_a_detection_is_in_one_track_at_most_and_speaks_for_itself(detections: Detections, way: dict[str, Any]) -> None:
    params = make_params(**way)
    tracks = track_frames(detections, params)
    seen = tracks.detection >= 0
    source = tracks.detection[seen]
    assert len(np.unique(source)) == len(source)
    np.testing.assert_array_equal(tracks.frame[seen], detections.frame[source])
    np.testing.assert_array_equal(tracks.class_id[seen], detections.class_id[source])
    np.testing.assert_array_equal(tracks.score[seen], detections.score[source])
    assert (tracks.score[seen] >= params.low_score).all()
    assert not tracks.score[~seen].any()
    assert params.interpolate or seen.all()


@given(scenes(), st.sampled_from(WAYS))
def test_numbers_go_from_1_in_order_of_appearance_and_are_never_reused(
    detections: Detections, way: dict[str, Any]
) -> None:
    params = make_params(**way)
    tracks = track_frames(detections, params)
    ids = np.unique(tracks.track_id)
    assert ids.tolist() == list(range(1, len(ids) + 1))
    first = [tracks.detection[tracks.track_id == i][0] for i in ids]
    assert first == sorted(first)
    longest = max(params.max_gap_s, params.link_max_gap_s) + (
        params.life_cycle == "bytetrack"
    )  # removed one frame late
    for i in ids:
        mine = tracks.track_id == i
        assert len(np.unique(tracks.class_id[mine])) == 1
        frames = tracks.frame[mine & (tracks.detection >= 0)]
        assert len(frames) >= params.n_init
        assert np.diff(frames, append=frames[-1] + 1).max() - 1 <= longest


@given(scenes(), st.sampled_from(WAYS), st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_of_a_frame_does_not_matter(
    detections: Detections, way: dict[str, Any], seed: int
) -> None:
    random = np.random.default_rng(seed)
    distinct = replace(detections, score=np.linspace(0.1, 1, len(detections), dtype=np.float32)[::-1].copy())
    shuffled = np.lexsort((random.uniform(size=len(distinct)), distinct.frame))
    straight, other = (
        track_frames(distinct, make_params(**way)),
        track_frames(distinct.take(shuffled), make_params(**way)),
    )
    back = np.append(shuffled, -1)  # row -1 stays -1
    straight_sets = {frozenset(straight.detection[straight.track_id == i].tolist()) for i in set(straight.track_id)}
    other_sets = {frozenset(back[other.detection[other.track_id == i]].tolist()) for i in set(other.track_id)}
    assert straight_sets == other_sets


@given(scenes(), st.sampled_from(WAYS))
def test_classes_live_apart(detections: Detections, way: dict[str, Any]) -> None:
    params = make_params(**way)
    mixed = track_frames(detections, params)
    for class_id in (0, 1):
        own = np.flatnonzero(detections.class_id == class_id)
        alone = track_frames(detections.take(own), params)
        part = mixed.take(mixed.class_id == class_id)
        assert [(r[0], *r[2:9]) for r in sorted(rows(part))] == [(r[0], *r[2:9]) for r in sorted(rows(alone))]


@given(scenes(), st.sampled_from(WAYS), st.integers(1, 5))
def test_empty_frames_before_and_after_change_nothing(detections: Detections, way: dict[str, Any], more: int) -> None:
    params = make_params(**way)
    assume(params.life_cycle == "uniform")  # ByteTrack trusts what starts in the first frame of a film
    longer = replace(
        detections, frame=(detections.frame + more).astype(np.int32), frame_count=detections.frame_count + 2 * more
    )
    shifted = track_frames(longer, params)
    assert rows(replace(shifted, frame=(shifted.frame - more).astype(np.int32))) == rows(
        track_frames(detections, params)
    )


@pytest.mark.parametrize("max_gap", [0, 1, 2, 5])
@pytest.mark.parametrize("missing", [0, 1, 2, 3, 5, 6])
def test_a_gap_of_max_gap_frames_survives_and_one_more_does_not(max_gap: int, missing: int) -> None:
    frames = [*range(10), *range(10 + missing, 20 + missing)]
    tracks = track_frames(make_detections(walk(frames), 40), make_params(max_gap_s=max_gap))
    assert len(np.unique(tracks.track_id)) == (1 if missing <= max_gap else 2)


def test_time_passes_in_frames_without_detections_not_in_rows() -> None:
    tracks = track_frames(make_detections(walk([0, 1, 2, 3, 30, 31, 32]), 33), make_params(max_gap_s=26))
    assert np.unique(tracks.track_id).tolist() == [1]
    tracks = track_frames(make_detections(walk([0, 1, 2, 3, 30, 31, 32]), 33), make_params(max_gap_s=25))
    assert np.unique(tracks.track_id).tolist() == [1, 2]


def test_weak_detections_continue_a_track_but_start_none() -> None:
    weak = walk(range(10, 20), score=0.2)
    assert len(track_frames(make_detections(weak, 20), make_params())) == 0
    tracks = track_frames(make_detections(walk(range(10)) + weak, 20), make_params())
    assert np.unique(tracks.track_id).tolist() == [1]
    assert len(tracks) == 20
    assert (
        len(track_frames(make_detections(walk(range(10)) + walk(range(10, 20), score=0.05), 20), make_params())) == 10
    )


def test_a_track_is_there_from_its_first_detection_once_it_has_enough() -> None:
    assert len(track_frames(make_detections(walk([0, 1]), 9), make_params(n_init=3))) == 0
    assert track_frames(make_detections(walk([0, 1, 2]), 9), make_params(n_init=3)).frame.tolist() == [0, 1, 2]


def test_two_people_who_meet_keep_their_numbers() -> None:
    left, right = walk(range(60), (50, 100), (4, 0)), walk(range(60), (350, 140), (-4, 0))
    tracks = track_frames(make_detections(left + right, 60), make_params())
    for number, people in ((1, left), (2, right)):
        mine = tracks.xyxy[tracks.track_id == number]
        np.testing.assert_allclose(mine, [box for _, box, _, _ in people])


def test_filled_rows_are_marked_and_lie_between() -> None:
    frames = [*range(8), *range(11, 20)]
    tracks = track_frames(make_detections(walk(frames), 20), make_params(interpolate=True))
    filled = tracks.detection < 0
    assert tracks.frame[filled].tolist() == [8, 9, 10]
    assert not tracks.score[filled].any()
    np.testing.assert_allclose(tracks.xyxy, [box for _, box, _, _ in walk(range(20))], atol=1e-4)


def test_a_track_the_detector_is_never_sure_of_is_dropped() -> None:
    unsure = walk(range(20), start=(300, 100), score=0.35)
    detections = make_detections(walk(range(20)) + unsure, 20)
    assert track_frames(detections, make_params(min_confidence=0.4)).track_id.max() == 1
    assert track_frames(detections, make_params(min_confidence=0.3)).track_id.max() == 2


def test_equal_boxes_go_to_the_older_track_by_score_and_then_by_row() -> None:
    twins = [(f, (10.0, 10.0, 50.0, 110.0), s, 0) for f in range(6) for s in (0.9, 0.8)]
    tracks = track_frames(make_detections(twins, 6), make_params())
    assert tracks.detection[tracks.track_id == 1].tolist() == [0, 2, 4, 6, 8, 10]
    even = [(f, (10.0, 10.0, 50.0, 110.0), 0.9, 0) for f in range(6) for _ in range(2)]
    tracks = track_frames(make_detections(even, 6), make_params())
    assert tracks.detection[tracks.track_id == 1].tolist() == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize("frame_count", [0, 1, 50])
def test_nothing_seen_gives_a_table_without_rows(frame_count: int) -> None:
    tracks = track_frames(Detections.empty(frame_count=frame_count, width=64, height=48), make_params(interpolate=True))
    assert len(tracks) == 0
    assert (tracks.frame_count, tracks.width, tracks.height) == (frame_count, 64, 48)


@pytest.mark.parametrize(
    ("box", "message"),
    [((50, 10, 40, 20), "x1 <= x2.*row 3"), ((10, float("nan"), 40, 20), "x?y1 must be finite.*row 3")],
)
def test_bad_boxes_are_refused_with_the_row_named(box: tuple[float, float, float, float], message: str) -> None:
    with pytest.raises(SemflowError, match=message):
        make_detections([*walk(range(3)), (3, box, 0.9, 0)], 4)


def test_the_bar_for_weak_detections_cannot_be_above_that_for_strong_ones() -> None:
    with pytest.raises(ValidationError, match=r"low_score must be at most high_score 0\.3, got 0\.5"):
        make_params(low_score=0.5)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_name_every_field_that_differs_between_trackers(name: str) -> None:
    params = make_params(**PRESETS[name])
    assert track_frames(make_detections(walk(range(20)), 20), params).track_id.tolist() == [1] * 20
    assert set(PRESETS[name]) <= set(SETTINGS)


def test_memory_per_row_does_not_grow_with_the_length_of_the_video() -> None:
    def peak_per_row(frames: int) -> float:
        people = [walk(range(frames), start=(60.0 * k, 50), speed=(0.01, 0)) for k in range(8)]
        detections = make_detections([row for person in people for row in person], frames)
        form_tracklets(detections, np.arange(frames) / 30, make_params())  # what is loaded once does not count
        tracemalloc.start()
        form_tracklets(detections, np.arange(frames) / 30, make_params())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak / len(detections)

    assert peak_per_row(1200) < 1.2 * peak_per_row(300)
