"""The canvas: whole factors, even sides, pixel centres at integers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report.overlay.drawing_canvas import MIN_SIDE, Canvas


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_sides_are_even_and_the_longer_one_is_never_small(width: int, height: int) -> None:
    canvas = Canvas(width, height)
    assert canvas.even_width % 2 == canvas.even_height % 2 == 0
    assert max(canvas.even_width, canvas.even_height) >= MIN_SIDE
    assert 0 <= canvas.even_width - width * canvas.factor <= 1


@pytest.mark.parametrize(("width", "height"), [(641, 361), (640, 360), (99, 175), (1, 1)])
def test_prepared_pictures_have_the_promised_size_and_are_copies(width: int, height: int) -> None:
    image = np.full((height, width, 3), 77, np.uint8)
    image.flags.writeable = False
    canvas = Canvas(width, height)
    picture = canvas.prepare_image(image)
    assert picture.shape == (canvas.even_height, canvas.even_width, 3)
    picture[:] = 0
    assert image.max() == 77


def test_places_agree_with_how_pictures_are_enlarged() -> None:
    canvas = Canvas(160, 90)
    ramp = np.tile(np.arange(160, dtype=np.uint8)[None, :, None], (90, 1, 3))
    picture = canvas.prepare_image(ramp)
    for x in (20, 75, 130):
        at = float(canvas.to_canvas(np.array([x, 10.0]))[0])
        seen = cv2.getRectSubPix(picture, (1, 1), (at, 40.0))[0, 0, 0]
        assert abs(int(seen) - x) <= 1
    assert canvas.to_canvas(np.array([0.0, 0.0])).tolist() == [1.0, 1.0]
