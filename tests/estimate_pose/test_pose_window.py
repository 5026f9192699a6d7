from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.estimate_pose.pose_window import CONTEXT, PoseWindow, compute_window_width
from tasks.geometry.letterbox import PADDING_GREY


def blob(height: int, width: int, x: float, y: float) -> np.ndarray:
    """A soft white spot whose centre lies at (x, y), pixel centres at integers."""
    rows, columns = np.mgrid[:height, :width]
    return np.repeat((255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18))[..., None], 3, axis=2).astype(
        np.uint8
    )


@pytest.mark.parametrize("box", [(60, 40, 100, 140), (50, 80, 110, 110), (70, 70, 90, 110)])
def test_a_spot_is_found_where_it_was_to_a_fraction_of_a_pixel(box):
    x, y = 80.3, 90.8
    window = PoseWindow.around_box(np.array(box, np.float32), 256)
    picture = window.crop_image(blob(200, 240, x, y))[..., 0].astype(float)
    assert picture.shape == (256, 192)
    rows, columns = np.mgrid[:256, :192]
    picture[picture < 20] = 0
    place = np.array([(columns * picture).sum(), (rows * picture).sum()]) / picture.sum()
    assert window.to_frame(place.astype(np.float32), shift=0.5) == pytest.approx([x, y], abs=0.1)


def test_outside_the_frame_is_grey_and_the_box_fills_four_fifths():
    window = PoseWindow.around_box(np.array([-10, -20, 30, 60], np.float32), 128)
    picture = window.crop_image(np.zeros((100, 100, 3), np.uint8))
    assert (picture[:5, :5] == PADDING_GREY).all()
    assert window.scale * 80 == pytest.approx(128 / CONTEXT)
    assert window.to_frame(np.array([[0, 0], [96, 128]], np.float32)).mean(axis=0) == pytest.approx([10, 20])


@given(st.tuples(*[st.floats(-100, 700)] * 2), st.tuples(*[st.floats(0, 400)] * 2), st.sampled_from([64, 192, 256]))
def test_the_whole_box_is_in_the_window_whatever_its_shape(corner, size, height):
    box = np.array([*corner, corner[0] + size[0], corner[1] + size[1]], np.float32)
    window = PoseWindow.around_box(box, height)
    low, high = window.to_frame(np.array([[0, 0], [window.width, window.height]], np.float32))
    assert (low <= box[:2] + 1e-2).all() and (high >= box[2:] - 1e-2).all()


@pytest.mark.parametrize("height,width", [(32, 32), (128, 96), (160, 128), (256, 192), (320, 256)])
def test_sides_are_what_the_network_takes(height, width):
    assert compute_window_width(height) == width
