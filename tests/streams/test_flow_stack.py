"""Stacks: channel order, units, camera motion, squares, rates, cuts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.action_model import StackSettings
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.errors import SemflowError
from tasks.geometry.homography import compute_camera_flow
from tasks.streams.flow_stack import (
    build_flow_stacks,
    compute_field_step,
    compute_frame_interval,
    count_stack_pairs,
    crop_flow_field,
    make_frame_stack_squares,
    make_person_stack_squares,
)

HEIGHT, WIDTH = 64, 96
ENCODING = FlowEncoding(HEIGHT, WIDTH, 1, 64)
PLAIN = StackSettings("none", 32)
RATE = 1 / 25


def flows(
    tmp_path: Path, fields: Sequence[np.ndarray | None], cameras: Sequence[np.ndarray] | None = None
) -> DenseFlow:
    """A dense flow with these fields (None: a cut) and camera motions."""

    def pair(n: int, field: np.ndarray | None) -> FlowPair:
        if field is None:
            return FlowPair.empty(ENCODING, 50.0, cut=True)
        everywhere = np.ones((HEIGHT, WIDTH), bool)
        camera = np.eye(3) if cameras is None else cameras[n]
        return FlowPair(field, -field, everywhere, everywhere, 1.0, False, camera, 1.0)

    facts = FlowMetadata(len(fields) + 1, "dis", ENCODING)
    pairs = (pair(n, field) for n, field in enumerate(fields))
    return DenseFlow.stream(pairs, facts).to(tmp_path / "flow.parquet")


def uniform(dx: float, dy: float) -> np.ndarray:
    return np.broadcast_to(np.array([dx, dy], np.float32), (HEIGHT, WIDTH, 2)).copy()


def test_channels_are_dx_and_dy_of_one_pair_after_the_other(tmp_path: Path) -> None:
    dense_flow = flows(tmp_path, [uniform(n / 4, -n / 2) for n in range(12)])
    found = build_flow_stacks(dense_flow, [0, 2], None, PLAIN, RATE)
    assert found.shape == (2, 20, 32, 32)
    unit = 256 / HEIGHT / 20  # a 64 px square seen as 256, 20 px being 1
    np.testing.assert_allclose(found[1, :, 9, 9], np.ravel([[n / 4, -n / 2] for n in range(2, 12)]).clip(-5, 5) * unit)


def test_one_means_twenty_pixels_on_a_square_of_256_and_longer_ones_are_clipped(tmp_path: Path) -> None:
    dense_flow = flows(tmp_path, [uniform(5, -9)] * 10)
    found = build_flow_stacks(dense_flow, [0], None, PLAIN, RATE)
    np.testing.assert_allclose(found[0, 0], 1)  # 5 px on 64
    np.testing.assert_allclose(found[0, 1], -1)


@given(st.integers(8, 60), st.floats(0.5, 4))
def test_the_same_person_nearer_gives_the_same_stack(side: int, nearer: float) -> None:
    large = round(side * nearer)
    one, other = (
        crop_flow_field(np.full((300, 300, 2), 0.05 * s, np.float32), np.array([20.0, 20, 20 + s, 20 + s]), PLAIN, RATE)
        for s in (side, large)
    )
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_the_camera_is_taken_out_whatever_it_does(tmp_path: Path) -> None:
    zoom = np.array([[1.02, 0.01, -1.5], [-0.01, 1.02, 0.7], [1e-5, 0, 1]])
    pans = [zoom, np.linalg.inv(zoom)] * 5
    moving = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    moving[20:40, 40:60] = (2, -1)
    fields = [compute_camera_flow(pan, HEIGHT, WIDTH) + moving for pan in pans]
    dense_flow = flows(tmp_path, fields, pans)
    found = build_flow_stacks(dense_flow, [0], None, StackSettings("camera", HEIGHT), RATE)[0] * 20 / (256 / HEIGHT)
    expected = moving[:, 16:80]
    np.testing.assert_allclose(found[0], expected[..., 0], atol=0.02)  # steps of 1/64 px
    np.testing.assert_allclose(found[1], expected[..., 1], atol=0.02)


def test_the_mean_is_taken_out_where_that_is_asked_for(tmp_path: Path) -> None:
    field = uniform(3, 1)
    field[:, ::2] += 1
    found = build_flow_stacks(flows(tmp_path, [field] * 10), [0], None, StackSettings("mean", HEIGHT), RATE)
    np.testing.assert_allclose(found.mean(axis=(2, 3)), 0, atol=1e-6)
    assert found.std() > 0.01


def test_a_square_is_cut_where_it_lies_and_nothing_moves_outside_the_frame(tmp_path: Path) -> None:
    field = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    field[:, 64:] = (1, 0)
    dense_flow = flows(tmp_path, [field] * 10)
    square = np.tile([63.5, -0.5, 127.5, 63.5], (1, 10, 1))
    found = build_flow_stacks(dense_flow, [0], square, StackSettings("none", 64), RATE)[0, 0]
    np.testing.assert_allclose(found[:, :32], 0.2)
    assert not found[:, 32:].any()


def test_a_resized_field_agrees_with_area_averages(tmp_path: Path) -> None:
    random = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(HEIGHT, WIDTH, 2)).astype(np.float32), (0, 0), 3)
    found = build_flow_stacks(flows(tmp_path, [random] * 10), [0], None, PLAIN, RATE)[0, :2]
    means = np.rint(random[:, 16:80] * 64).reshape(32, 2, 32, 2, 2).mean(axis=(1, 3)) / 64
    np.testing.assert_allclose(found, means.transpose(2, 0, 1) * 4 / 20, atol=1e-5)


@pytest.mark.parametrize(
    ("fps", "step", "pairs"),
    [(12.5, 1, 10), (24, 1, 10), (25, 1, 10), (30, 1, 10), (50, 2, 19), (60, 2, 19), (120, 5, 46)],
)
def test_a_stack_spans_about_the_same_time_at_every_rate(fps: float, step: int, pairs: int) -> None:
    assert (compute_field_step(1 / fps), count_stack_pairs(1 / fps)) == (step, pairs)


def test_twice_the_rate_gives_the_same_stack(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    slow = build_flow_stacks(flows(tmp_path, [uniform(2, 1)] * 10), [0], None, PLAIN, 1 / 25)
    fast = build_flow_stacks(flows(tmp_path / "a", [uniform(1, 0.5)] * 20), [0], None, PLAIN, 1 / 50)
    np.testing.assert_allclose(slow, fast, rtol=1e-6)


def test_across_a_cut_nothing_moves(tmp_path: Path) -> None:
    dense_flow = flows(tmp_path, [uniform(1, 1)] * 4 + [None] + [uniform(1, 1)] * 5)
    found = build_flow_stacks(dense_flow, [0], None, StackSettings("camera", 32), RATE)[0]
    assert not found[8:10].any()
    assert found[:8].all() and found[10:].all()


def test_no_starts_give_no_stacks_and_starts_beyond_the_end_are_refused(tmp_path: Path) -> None:
    dense_flow = flows(tmp_path, [uniform(1, 1)] * 10)
    assert build_flow_stacks(dense_flow, [], None, PLAIN, RATE).shape == (0, 20, 32, 32)
    with pytest.raises(SemflowError, match=r"must start in \[0, 0\], got 1 to 1"):
        build_flow_stacks(dense_flow, [1], None, PLAIN, RATE)


def test_squares_follow_a_person_and_keep_their_size() -> None:
    frames = np.arange(30, dtype=np.int32)
    xyxy = np.stack([frames, 0 * frames, frames + 10, 0 * frames + 40], axis=1).astype(np.float32)
    squares = make_person_stack_squares(frames, xyxy, [3, 15], 1)
    assert squares.shape == (2, 10, 4)
    sides = squares[..., 2:] - squares[..., :2]
    np.testing.assert_allclose(sides, 50)
    np.testing.assert_allclose(squares[1, :, [0, 2]].mean(axis=0), 15 + np.arange(10) + 5)


def test_the_middle_of_the_frame_is_a_square_of_its_shorter_side() -> None:
    square = make_frame_stack_squares(2, HEIGHT, WIDTH)
    assert square.shape == (2, 10, 4)
    np.testing.assert_array_equal(square[0, 0], [15.5, -0.5, 79.5, 63.5])


def test_the_interval_is_the_usual_one_even_where_frames_are_missing() -> None:
    assert compute_frame_interval(np.array([0, 0.1, 0.2, 0.9, 1.0])) == pytest.approx(0.1)
    assert compute_frame_interval(np.array([3.0])) == pytest.approx(1 / 25)
