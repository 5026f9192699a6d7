"""Looks: who is who where places alone would mislead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.artifacts.tracks import Tracks
from tasks.geometry.cell_grid import l2_normalize
from tasks.track import kalman_filter
from tasks.track.active_tracks import ActiveTracks
from tasks.track.appearance_embedding import match_embeddings
from tasks.track.association import FrameDetections
from tasks.track.visual_cues import VisualCues
from tests.track.scenes import Box, make_detections, make_params, track_frames

RED, BLUE = np.array([1.0, 0.1, 0]), np.array([0.1, 1.0, 0])
Row = tuple[int, Box, float, int]


def sight_of(people: list[tuple[list[Row], np.ndarray]]) -> VisualCues:
    """Vectors by whose box of the frame is nearest; frame 3 has no picture."""

    def look(frame: int, xyxy: np.ndarray) -> np.ndarray | None:
        if frame == 3:
            return None
        here = [(np.array(box), colour) for rows, colour in people for f, box, _, _ in rows if f == frame]
        middle = np.array([(box[:2] + box[2:]) / 2 for box, _ in here])
        nearest = np.linalg.norm(((xyxy[:, :2] + xyxy[:, 2:]) / 2)[:, None] - middle, axis=2).argmin(axis=1)
        return l2_normalize(np.array([here[k][1] for k in nearest]))

    return VisualCues(embedder=look, embedding_size=3)


def box(x: float, y: float = 100) -> Box:
    return (x, y, x + 40, y + 100)


def meeting() -> list[tuple[list[Row], np.ndarray]]:
    """Two walk up to each other, are missed while they stop, and turn back: places say they walked on."""
    left = [(f, box(100 + 6 * f), 0.9, 0) for f in range(20)] + [(f, box(352 - 6 * f), 0.9, 0) for f in range(23, 43)]
    right = [(f, box(340 - 6 * f), 0.9, 0) for f in range(20)] + [(f, box(88 + 6 * f), 0.9, 0) for f in range(23, 43)]
    return [(left, RED), (right, BLUE)]


def colours(tracks: Tracks, people: list[tuple[list[Row], np.ndarray]]) -> list[set[int]]:
    """For each track, whose boxes it holds."""
    owner = {(f, round(b[0])): who for who, (rows, _) in enumerate(people) for f, b, _, _ in rows}
    found: list[set[int]] = []
    for i in np.unique(tracks.track_id):
        mine = tracks.take(tracks.track_id == i)
        found.append({owner[f, round(x)] for f, x in zip(mine.frame.tolist(), mine.x1.tolist(), strict=True)})
    return found


@pytest.mark.parametrize("way", [{"appearance": "first"}, {"appearance": "closest"}])
def test_looks_tell_apart_who_turned_back_from_who_walked_on(way: dict[str, Any]) -> None:
    people = meeting()
    detections = make_detections(people[0][0] + people[1][0], 43)
    params = make_params(max_gap_s=20, min_iou=0.05, appearance_min_iou=0.05).model_copy(update=way)
    assert [len(who) for who in colours(track_frames(detections, params, sight_of(people)), people)] == [1, 1]
    assert [len(who) for who in colours(track_frames(detections, params), people)] == [2, 2]


def test_without_pictures_the_setting_changes_nothing() -> None:
    people = meeting()
    detections = make_detections(people[0][0] + people[1][0], 43)
    seeing = track_frames(
        detections, make_params(appearance="first", link_max_appearance_distance=0.2, link_max_gap_s=20)
    )
    plain = track_frames(detections, make_params(link_max_gap_s=20))
    np.testing.assert_array_equal(seeing.track_id, plain.track_id)


def test_looks_do_not_count_far_from_where_a_track_may_be() -> None:
    here = [(f, box(100), 0.9, 0) for f in range(10)]
    there = [(f, box(500), 0.9, 0) for f in range(10, 20)]
    detections = make_detections(here + there, 20)
    sight = sight_of([(here, RED), (there, RED)])
    for iou in (0.0, 0.5):
        params = make_params(appearance="first", appearance_min_iou=iou)
        assert track_frames(detections, params, sight).track_id.max() == 2


def test_classes_stay_apart_however_alike() -> None:
    person = [(f, box(100), 0.9, 0) for f in range(10)]
    other = [(f, box(100), 0.9, 1) for f in range(10, 20)]
    params = make_params(appearance="first", appearance_min_iou=0.0)
    tracks = track_frames(make_detections(person + other, 20), params, sight_of([(person, RED), (other, RED)]))
    assert tracks.track_id.max() == 2


def test_a_gap_is_not_linked_to_someone_who_looks_different() -> None:
    before, after = [(f, box(100), 0.9, 0) for f in range(20)], [(f, box(100), 0.9, 0) for f in range(40, 60)]
    detections = make_detections(before + after, 60)
    params = make_params(link_max_gap_s=40, link_max_appearance_distance=0.3)
    for colour, tracks in ((RED, 1), (BLUE, 2)):
        assert track_frames(detections, params, sight_of([(before, RED), (after, colour)])).track_id.max() == tracks


def test_what_is_unknown_forbids_nothing() -> None:
    some, none = np.array([[1.0, 0]], np.float32), np.zeros((1, 2), np.float32)
    assert match_embeddings(some, none, 0.1).tolist() == match_embeddings(none, some, 0.1).tolist() == [True]
    assert match_embeddings(some, some[:, ::-1].copy(), 0.1).tolist() == [False]


def test_a_look_is_a_moving_average_to_which_weak_detections_add_nothing() -> None:
    def seen(colour: np.ndarray, score: float) -> FrameDetections:
        return FrameDetections(np.array([box(9)]), np.array([score]), np.zeros(1, np.int16), l2_normalize(colour[None]))

    mixed = l2_normalize(0.9 * l2_normalize(RED[None]) + 0.1 * l2_normalize(BLUE[None]))
    params, one = make_params(appearance_memory=0.9, high_score=0.5), np.zeros(1, np.intp)
    active = ActiveTracks.from_detections(0, 0, one, seen(RED, 0.9))
    active.update(one, 1, one + 1, seen(BLUE, 0.2), params)
    np.testing.assert_allclose(active.embedding, l2_normalize(RED[None]))
    active.update(one, 2, one + 2, seen(BLUE, 0.9), params)
    np.testing.assert_allclose(active.embedding, mixed, rtol=1e-6)
    active.update(one, 3, one + 3, seen(np.zeros(3), 0.9), params)
    np.testing.assert_allclose(active.embedding, mixed, rtol=1e-6)


def test_the_mahalanobis_distance_is_that_of_the_predicted_measurement() -> None:
    mean, covariance = kalman_filter.predict(*kalman_filter.initiate(np.array([[50.0, 60, 20, 40], [10, 10, 10, 10]])))
    measured = np.array([[52.0, 61, 22, 39], [48, 70, 20, 44], [9, 9, 9, 9]])
    found = kalman_filter.mahalanobis_distance(mean, covariance, measured)
    for i in range(2):
        noise = np.square(np.array([*mean[i, 0, 2:], *mean[i, 0, 2:]]) / 20)
        inverse = np.linalg.inv(np.diag(covariance[i, 0] + noise))
        for j, z in enumerate(measured):
            assert found[i, j] == pytest.approx((z - mean[i, 0]) @ inverse @ (z - mean[i, 0]))
