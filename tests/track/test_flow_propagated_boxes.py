"""Boxes that dense flow carries where the detector missed them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.tracks import FLOW_PREDICTED, INTERPOLATED
from tasks.track.flow_propagated_boxes import FlowPropagatedBoxes, find_occluded, median_box_flow
from tasks.track.visual_cues import VisualCues
from tests.track.scenes import make_detections, make_params, track_frames, walk

MakeFlow = Callable[..., DenseFlow]
STILL = np.tile(np.eye(3), (29, 1, 1))


def moving(frames: range) -> list[tuple[int, tuple[float, ...], tuple[float, float]]]:
    return [(f, box, (2.0, 1.0)) for f, box, _, _ in walk(frames)]


def test_a_box_goes_where_the_median_of_its_inside_goes(make_flow: MakeFlow) -> None:
    flow = make_flow(STILL[:1], [(0, (100, 100, 140, 200), (3.0, -2.0)), (0, (115, 130, 123, 150), (50.0, 50.0))])
    boxes = np.array([[100.0, 100, 140, 200], [300, 300, 340, 400], [0, 0, 0, 0], [-90, -90, -50, -10]])
    step, known = median_box_flow(flow, 0, boxes)
    np.testing.assert_allclose(step, [[3, -2], [0, 0], [0, 0], [0, 0]], atol=0.02)
    assert known.tolist() == [True, True, False, False]


def test_nothing_is_carried_over_a_cut(make_flow: MakeFlow) -> None:
    assert not median_box_flow(make_flow(STILL[:1], cuts=(0,)), 0, np.array([[10.0, 10, 50, 90]]))[1].any()


def test_missed_frames_have_a_box_that_is_marked(make_flow: MakeFlow) -> None:
    seen, missed = [*range(10), *range(14, 30)], [10, 11, 12, 13]
    detections = make_detections(walk(seen), 30)
    sight = VisualCues(dense_flow=make_flow(STILL, moving(range(30))))
    tracks = track_frames(detections, make_params(flow_prediction=True), sight)
    assert tracks.frame[tracks.detection == FLOW_PREDICTED].tolist() == missed
    assert not tracks.score[tracks.detection == FLOW_PREDICTED].any()
    np.testing.assert_allclose(tracks.xyxy, [box for _, box, _, _ in walk(range(30))], atol=0.1)
    assert len(track_frames(detections, make_params())) == len(seen)


def test_flow_knows_of_a_turn_in_a_gap_that_no_straight_line_does(make_flow: MakeFlow) -> None:
    """Aside and back again while the detector looks away."""
    offset = [0] * 10 + [6, 12, 18, 12, 6] + [0] * 15
    boxes = [(100.0 + dx, 100.0, 140.0 + dx, 200.0) for dx in offset]
    own = [(f, boxes[f], (float(offset[f + 1] - offset[f]), 0.0)) for f in range(29)]
    seen = [f for f in range(30) if not 10 <= f < 15]
    detections = make_detections([(f, boxes[f], 0.9, 0) for f in seen], 30)
    params = make_params(interpolate=True, flow_prediction=True)
    straight = track_frames(detections, params)
    carried = track_frames(detections, params, VisualCues(dense_flow=make_flow(STILL, own)))
    assert np.abs(straight.xyxy - boxes).max() == pytest.approx(18)
    assert np.abs(carried.xyxy - boxes).max() < 0.5
    assert set(straight.detection[10:15]) == {INTERPOLATED}
    assert set(carried.detection[10:15]) == {FLOW_PREDICTED}


def test_a_box_is_lost_behind_another_and_after_a_track_s_end(make_flow: MakeFlow) -> None:
    front = [(f, (95.0, 90.0, 160.0, 230.0), 0.9, 1) for f in range(8, 30)]
    still = [(f, (100.0, 100.0, 140.0, 200.0), 0.9, 0) for f in [*range(10), *range(14, 20)]]
    detections = make_detections(still + front, 30)
    flow = make_flow(STILL)
    tracks = track_frames(detections, make_params(flow_prediction=True), VisualCues(dense_flow=flow))
    assert FLOW_PREDICTED not in tracks.detection
    tracks = track_frames(make_detections(still, 30), make_params(flow_prediction=True), VisualCues(dense_flow=flow))
    assert tracks.frame[tracks.detection == FLOW_PREDICTED].tolist() == [10, 11, 12, 13]


def test_what_counts_as_hidden() -> None:
    box = np.array([[0.0, 0, 10, 10]])
    assert find_occluded(box, np.array([[0.0, 0, 6, 10]])).tolist() == [True]
    assert find_occluded(box, np.array([[0.0, 0, 4, 10], [6, 0, 10, 10]])).tolist() == [False]
    assert find_occluded(box, np.empty((0, 4))).tolist() == [False]


def test_boxes_between_two_detections_of_a_track_are_its_own() -> None:
    carried = FlowPropagatedBoxes.from_frames(
        [
            (np.array([3, 7]), np.array([5, 5]), np.zeros((2, 4))),
            (np.array([3, 9]), np.array([6, 6]), np.zeros((2, 4))),
        ]
    )
    assert carried.last_detection.tolist() == [3, 3, 7, 9]
    assert carried.find_in_gaps(np.array([1, 3, 8]), np.array([2, 4, 7])).tolist() == [0, 1]
    assert carried.find_in_gaps(np.array([1, 3, 8]), np.array([2, 4, 6])).tolist() == [0]
    assert carried.find_in_gaps(np.array([1, 9]), np.array([2, 4])).tolist() == []
