"""RGB to YUV: against BT.709's own figures and swscale."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from tasks.report.overlay.yuv import to_yuv420


@pytest.mark.parametrize(
    ("rgb", "yuv"),
    [  # BT.709-6 in 8 bit: black, white, and the 100 % primaries
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
    ],
)
def test_flat_colours_have_the_standards_values(rgb: tuple[int, int, int], yuv: tuple[int, int, int]) -> None:
    planes = to_yuv420(np.full((4, 6, 3), rgb, np.uint8)).reshape(-1)
    assert planes.shape == (4 * 6 * 3 // 2,)
    assert planes[:24] == pytest.approx(yuv[0], abs=0)
    assert planes[24:30] == pytest.approx(yuv[1], abs=0)
    assert planes[30:] == pytest.approx(yuv[2], abs=0)


def test_planes_agree_with_swscale() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    theirs = frame.reformat(format="yuv420p", dst_colorspace="ITU709").to_ndarray().astype(int)
    ours = to_yuv420(image).astype(int)
    assert abs(ours[:90] - theirs[:90]).max() <= 1
    assert abs(ours[90:] - theirs[90:]).max() <= 2


def test_a_thin_coloured_line_keeps_its_colour_at_odd_and_even_places() -> None:
    chroma: list[int] = []
    for x in (10, 11):
        image = np.zeros((8, 32, 3), np.uint8)
        image[:, x] = (255, 0, 0)
        chroma.append(int(to_yuv420(image).reshape(-1)[8 * 32 + 4 * 16 :].max()))
    assert chroma[0] == chroma[1] > 160


def test_odd_sides_are_refused() -> None:
    with pytest.raises(ValueError, match="even sides, got 5x4"):
        to_yuv420(np.zeros((4, 5, 3), np.uint8))
