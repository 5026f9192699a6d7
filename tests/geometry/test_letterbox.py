from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.geometry.letterbox import PADDING_GREY, Letterbox
from tasks.yolo.ultralytics_import import import_ultralytics

sides = st.integers(1, 2000)
sizes = st.integers(1, 40).map(lambda n: 32 * n)


@given(sides, sides, sizes)
def test_the_fitted_image_has_the_wanted_longer_side_and_sides_the_network_takes(height, width, size):
    box = Letterbox.fit(height, width, size)
    assert max(box.inner) == max(box.outer) == size
    assert box.outer[0] % 32 == box.outer[1] % 32 == 0
    assert all(0 <= outer - inner < 32 for outer, inner in zip(box.outer, box.inner, strict=True))


@given(sides, sides, sizes, st.integers(0, 2**32 - 1))
def test_a_point_comes_back_to_where_it_was(height, width, size, seed):
    box = Letterbox.fit(height, width, size)
    point = (np.random.default_rng(seed).random((5, 2)) * [width, height]).astype(np.float32)
    fitted = point * (box.inner[1] / width, box.inner[0] / height) + (box.left, box.top)
    np.testing.assert_allclose(
        box.to_source(fitted.astype(np.float32)), point, atol=2e-3 * max(height, width) / size + 1e-3
    )


def test_points_beyond_the_image_come_back_on_its_border():
    box = Letterbox.fit(360, 640, 640)
    assert box.to_source(np.array([[-5, 3], [700, 400]], np.float32)).tolist() == [[0, 0], [640, 360]]


def test_an_image_of_the_right_size_is_bordered_and_not_touched():
    image = np.random.default_rng(0).integers(0, 255, (272, 640, 3), np.uint8)
    box = Letterbox.fit(272, 640, 640)
    fitted = box.apply(image)
    assert fitted.shape == (288, 640, 3)
    assert (fitted[8:280] == image).all()
    assert (fitted[:8] == PADDING_GREY).all() and (fitted[280:] == PADDING_GREY).all()


@pytest.mark.parametrize("height,width", [(360, 640), (272, 640), (427, 640), (500, 375), (33, 77), (1080, 1920)])
@pytest.mark.parametrize("size", [320, 640])
def test_images_and_boxes_are_those_of_ultralytics(height, width, size):
    import_ultralytics()
    from ultralytics.data.augment import LetterBox
    from ultralytics.utils.ops import scale_boxes

    random = np.random.default_rng(0)
    image = random.integers(0, 255, (height, width, 3), np.uint8)
    box = Letterbox.fit(height, width, size)
    theirs = np.asarray(LetterBox(size, auto=True, stride=32)(image=image))
    assert (box.apply(image) == theirs).all()
    xyxy = random.uniform(-20, size + 20, (50, 4)).astype(np.float32)
    back = scale_boxes(theirs.shape[:2], xyxy.copy(), (height, width))
    np.testing.assert_allclose(box.to_source(xyxy.reshape(-1, 2, 2)).reshape(-1, 4), back, rtol=0, atol=1e-3)
