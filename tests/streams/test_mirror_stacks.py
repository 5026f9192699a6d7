"""Stacks of mirrored pictures, and of pictures played backwards."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tasks.estimate_flow.opencv_flow import make_dis_estimator
from tasks.streams.flow_stack import mirror_stacks, reverse_stacks
from tasks.synthetic.figures.figure_clip import ClipTheme, draw_figure_clip
from tasks.synthetic.figures.figure_motions import MOTIONS

FIELDS = hnp.arrays(np.float32, (10, 5, 6, 2), elements=st.floats(-20, 20, width=32))


def mirror_flow(flow: np.ndarray) -> np.ndarray:
    """(..., h, w, 2) flow of the mirrored pictures."""
    return flow[..., ::-1, :] * np.array([-1, 1], np.float32)


def as_stack(fields: np.ndarray) -> np.ndarray:
    """(20, h, w) of (10, h, w, 2)."""
    return fields.transpose(0, 3, 1, 2).reshape(20, *fields.shape[1:3])


@given(FIELDS)
def test_stacking_and_mirroring_commute(fields: np.ndarray) -> None:
    np.testing.assert_array_equal(mirror_stacks(as_stack(fields)), as_stack(mirror_flow(fields)))


@given(FIELDS)
def test_played_backwards_the_last_field_comes_first_and_points_back(fields: np.ndarray) -> None:
    np.testing.assert_array_equal(reverse_stacks(as_stack(fields)), as_stack(-fields[::-1]))
    np.testing.assert_array_equal(reverse_stacks(reverse_stacks(as_stack(fields))), as_stack(fields))


@given(FIELDS)
def test_twice_mirrored_is_as_before(fields: np.ndarray) -> None:
    np.testing.assert_array_equal(mirror_stacks(mirror_stacks(as_stack(fields))), as_stack(fields))


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 5))
def test_pictures_moved_and_mirrored_move_the_other_way(dx: float, dy: float, seed: int) -> None:
    """An estimator that knows nothing of mirrors: phase correlation of a smooth texture."""
    noise = np.random.default_rng(seed).normal(size=(96, 96)).astype(np.float32)
    picture = cv2.GaussianBlur(noise, (0, 0), 2)
    moved = cv2.warpAffine(picture, np.array([[1, 0, dx], [0, 1, dy]]), (96, 96), borderMode=cv2.BORDER_REFLECT)
    window = cv2.createHanningWindow((96, 96), cv2.CV_32F)

    def shift(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.array(cv2.phaseCorrelate(first.copy(), second.copy(), window)[0])

    mirrored = shift(picture[:, ::-1], moved[:, ::-1])
    np.testing.assert_allclose(mirrored, shift(picture, moved) * [-1, 1], atol=0.1)


def test_flow_estimated_on_mirrored_pictures_is_the_mirrored_flow() -> None:
    clip = draw_figure_clip((7,), MOTIONS["walk"], 6, ClipTheme())
    pictures = np.stack(clip.pictures)
    straight = np.stack([flow for flow, _ in make_dis_estimator("medium")(list(pictures))])
    mirrored = np.stack(
        [flow for flow, _ in make_dis_estimator("medium")(list(np.ascontiguousarray(pictures[..., ::-1, :])))]
    )
    off = np.linalg.norm(mirrored - mirror_flow(straight), axis=3)
    wrong = np.linalg.norm(mirrored - straight[..., ::-1, :], axis=3)  # dx forgotten
    assert np.median(off) < 0.1  # DIS walks from the upper left, so it is not its own mirror to the last bit
    assert off.mean() < 0.5 * wrong.mean()
