"""Going along with the camera: points against OpenCV, filters against sampling, tracks through a shaking picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.track import kalman_filter
from tasks.track.camera_motion import (
    VideoCameraMotion,
    estimate_video_camera_motion,
    linearise_homography,
    scale_change,
)
from tasks.track.visual_cues import VisualCues
from tests.track.scenes import Box, make_detections, make_params, track_frames, walk

MakeFlow = Callable[..., DenseFlow]
SEED = st.integers(0, 2**32 - 1)


def homography(random: np.random.Generator, shift: float = 20) -> np.ndarray:
    turn, scale = random.normal(0, 0.03), np.exp(random.normal(0, 0.03))
    return np.array(
        [
            [scale * np.cos(turn), -scale * np.sin(turn), random.normal(0, shift)],
            [scale * np.sin(turn), scale * np.cos(turn), random.normal(0, shift)],
            [*random.normal(0, 2e-5, 2), 1],
        ]
    )


def shifts(frames: int, seed: int = 5, px: float = 15) -> np.ndarray:
    """(frames - 1, 3, 3) a picture that jumps about."""
    cameras = np.tile(np.eye(3), (frames - 1, 1, 1))
    cameras[:, :2, 2] = np.random.default_rng(seed).uniform(-px, px, (frames - 1, 2)).round()
    return cameras


def filmed(rows: list[tuple[int, Box, float, int]], cameras: np.ndarray) -> list[tuple[int, Box, float, int]]:
    """`rows`, which lie in the world of frame 0, as a shifting camera sees them."""
    at = np.concatenate([np.zeros((1, 2)), np.cumsum(cameras[:, :2, 2], axis=0)])
    return [(f, tuple(np.add(box, np.tile(at[f], 2))), s, c) for f, box, s, c in rows]


def ids(tracks: Tracks) -> list[int]:
    return np.unique(tracks.track_id).tolist()


@given(SEED)
def test_places_and_their_derivative_are_those_of_opencv(seed: int) -> None:
    random = np.random.default_rng(seed)
    motion, place = homography(random), random.uniform(0, 600, (5, 2))
    moved, turn = linearise_homography(motion, place)
    np.testing.assert_allclose(moved, cv2.perspectiveTransform(place[:, None], motion)[:, 0], rtol=1e-9)
    step = 1e-4
    for axis in (0, 1):
        ahead = linearise_homography(motion, place + step * np.eye(2)[axis])[0]
        np.testing.assert_allclose(turn[:, :, axis], (ahead - moved) / step, atol=1e-5)


@given(SEED, st.integers(0, 8), st.integers(0, 8))
def test_carrying_over_frames_is_the_product_of_the_steps_and_goes_back_the_same_way(seed: int, a: int, b: int) -> None:
    random = np.random.default_rng(seed)
    camera = VideoCameraMotion(np.stack([homography(random, 3) for _ in range(8)]))
    place = random.uniform(100, 500, (3, 2))
    start, stop = np.full(3, a), np.full(3, b)
    there, turn = camera.warp_points(place, start, stop)
    product = np.eye(3)
    for i in range(min(a, b), max(a, b)):
        product = camera.homographies[i] @ product
    product = product if a <= b else np.linalg.inv(product)
    np.testing.assert_allclose(there, cv2.perspectiveTransform(place[:, None], product)[:, 0], rtol=1e-7)
    back, unturn = camera.warp_points(there, stop, start)
    np.testing.assert_allclose(back, place, rtol=1e-7)
    np.testing.assert_allclose(unturn @ turn, np.tile(np.eye(2), (3, 1, 1)), atol=1e-7)


def test_a_place_behind_the_horizon_stays() -> None:
    tilted = np.array([[1.0, 0, 0], [0, 1, 0], [-0.01, 0, 1]])
    place = np.array([[300.0, 50], [10, 50]])
    moved, turn = linearise_homography(tilted, place)
    np.testing.assert_array_equal(moved[0], place[0])
    np.testing.assert_array_equal(turn[0], np.eye(2))
    assert moved[1, 0] > place[1, 0]


def test_a_filter_goes_along_as_a_cloud_of_states_would() -> None:
    random = np.random.default_rng(2)
    state = kalman_filter.predict(*kalman_filter.initiate(np.array([[300.0, 200, 40, 100]])))
    zoom = np.array([[1.1, 0, -20], [0, 1.1, 5], [0, 0, 1.0]])
    mean, covariance = kalman_filter.compensate_camera(*state, *linearise_homography(zoom, state[0][:, 0, :2]))
    for k in range(4):
        block = [[state[1][0, 0, k], state[1][0, 1, k]], [state[1][0, 1, k], state[1][0, 2, k]]]
        cloud = random.multivariate_normal(state[0][0, :, k], block, 200_000)
        cloud = 1.1 * cloud + np.array([(-20, 5, 0, 0)[k], 0])
        np.testing.assert_allclose(mean[0, :, k], cloud.mean(axis=0), atol=0.15)
        found = np.cov(cloud.T)
        np.testing.assert_allclose(covariance[0, :, k], [found[0, 0], found[0, 1], found[1, 1]], rtol=0.03)


def test_a_still_camera_changes_nothing() -> None:
    state = kalman_filter.initiate(np.array([[300.0, 200, 40, 100]]))
    for before, after in zip(
        state,
        kalman_filter.compensate_camera(*state, *linearise_homography(np.eye(3), state[0][:, 0, :2])),
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)
    detections = make_detections(walk(range(20)) + walk(range(30, 50)), 50)
    params = make_params(link_max_gap_s=20, smoothing_s=20.0, interpolate=True, momentum=0.2, observation_recovery=True)
    plain = track_frames(detections, params)
    still = track_frames(detections, params, VisualCues(VideoCameraMotion(np.tile(np.eye(3), (49, 1, 1)))))
    np.testing.assert_array_equal(plain.track_id, still.track_id)
    np.testing.assert_allclose(plain.xyxy, still.xyxy, atol=1e-4)


def test_whoever_a_shaking_camera_loses_is_kept_when_its_motion_is_known() -> None:
    cameras = shifts(60)
    detections = make_detections(filmed(walk(range(60)), cameras), 60)
    assert ids(track_frames(detections, make_params(), VisualCues(VideoCameraMotion(cameras)))) == [1]
    assert ids(track_frames(detections, make_params())) != [1]


@pytest.mark.parametrize(
    "way", [{"max_gap_s": 30}, {"link_max_gap_s": 30}, {"max_gap_s": 30, "observation_recovery": True, "momentum": 0.2}]
)
def test_a_gap_is_bridged_though_the_camera_moved_meanwhile(way: dict[str, Any]) -> None:
    cameras = np.tile(np.eye(3), (69, 1, 1))
    cameras[25:35, 0, 2] = 30  # the picture jerks aside in the middle of the gap
    detections = make_detections(filmed(walk([*range(20), *range(40, 70)]), cameras), 70)
    assert ids(track_frames(detections, make_params(**way), VisualCues(VideoCameraMotion(cameras)))) == [1]
    assert ids(track_frames(detections, make_params(**way))) == [1, 2]


def test_paths_are_smoothed_in_the_world_and_filled_along_with_the_camera() -> None:
    cameras = shifts(40)
    whole = filmed(walk(range(40)), cameras)
    detections = make_detections([row for row in whole if not 15 <= row[0] < 20], 40)
    tracks = track_frames(
        detections, make_params(smoothing_s=20.0, interpolate=True), VisualCues(VideoCameraMotion(cameras))
    )
    assert len(tracks) == 40
    np.testing.assert_allclose(tracks.xyxy, [box for _, box, _, _ in whole], atol=0.01)


def test_the_background_tells_the_motion_though_someone_fills_most_of_the_picture(make_flow: MakeFlow) -> None:
    cameras = shifts(4, px=6)
    crowd = (60, 20, 620, 460)
    dense_flow = make_flow(cameras, [(i, crowd, (-7.0, 0.0)) for i in range(3)])
    detections = make_detections([(i, crowd, 0.9, 0) for i in range(4)], 4)
    np.testing.assert_allclose(
        estimate_video_camera_motion(dense_flow, detections, 0.1).homographies, cameras, atol=0.15
    )
    nobody = Detections.empty(frame_count=4, width=640, height=480)
    np.testing.assert_allclose(
        estimate_video_camera_motion(dense_flow, nobody, 0.1).homographies[:, 0, 2], -7, atol=0.5
    )  # which is why


def test_no_motion_is_told_at_a_cut_or_by_a_fit_gone_wild(make_flow: MakeFlow) -> None:
    double = np.diag([2.0, 2, 1])
    dense_flow = make_flow(np.stack([shifts(2)[0], double]), cuts=(0,))
    nobody = Detections.empty(frame_count=3, width=640, height=480)
    found = estimate_video_camera_motion(dense_flow, nobody, 0.1).homographies
    np.testing.assert_array_equal(found, np.tile(np.eye(3), (2, 1, 1)))


def test_things_grow_by_the_root_of_the_area() -> None:
    assert scale_change(np.array([[[2.0, 0], [0, 2]], [[0, -3], [3, 0]], [[4, 0], [0, 1]]])) == pytest.approx([2, 3, 2])
