"""Images become bytes and come back, and no JPEG takes more than its share."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.image_codec import MIN_JPEG_BUDGET, ImageEncoding, decode_image, encode_image
from tasks.errors import SemflowError


def smooth(height: int, width: int) -> np.ndarray:
    grid = np.add.outer(np.linspace(0, 120, height), np.linspace(0, 120, width))
    return np.stack([grid, 255 - grid, np.full_like(grid, 90)], axis=2).astype(np.uint8)


def grain(height: int, width: int, spread: float) -> np.ndarray:
    return np.clip(np.random.default_rng(0).normal(128, spread, (height, width, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("encoding", ["png", "raw"])
def test_lossless_encodings_lose_nothing(encoding: ImageEncoding) -> None:
    image = grain(30, 40, 60)
    data, _ = encode_image(image, encoding, 1)
    np.testing.assert_array_equal(decode_image(data, encoding, 30, 40), image)


def test_jpeg_keeps_red_red() -> None:
    image = smooth(64, 96)
    data, quality = encode_image(image, "jpeg", 95)
    assert quality == 95
    assert cv2.PSNR(decode_image(data, "jpeg", 64, 96), image) > 45


def test_jpeg_keeps_full_chroma() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0], stripes[:, 1::2, 2] = 255, 255
    data, _ = encode_image(stripes, "jpeg", 95)
    assert cv2.PSNR(decode_image(data, "jpeg", 64, 64), stripes) > 30


@given(st.floats(0, 40), st.integers(60, 100))
def test_a_jpeg_takes_at_most_a_sixth(spread: float, quality: int) -> None:
    image = grain(120, 160, spread)
    data, used = encode_image(image, "jpeg", quality)
    assert len(data) <= max(image.size // 6, MIN_JPEG_BUDGET)
    assert used <= quality


def test_quality_is_lowered_no_further_than_needed() -> None:
    image = grain(240, 320, 8)
    data, used = encode_image(image, "jpeg", 95)
    assert 1 <= used < 95
    higher = 95 - (95 - used) // 2
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    flags = [cv2.IMWRITE_JPEG_QUALITY, higher, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    assert len(data) <= image.size // 6 < len(cv2.imencode(".jpg", bgr, flags)[1])


def test_tiny_images_keep_their_quality() -> None:
    assert encode_image(grain(16, 16, 60), "jpeg", 95)[1] == 95


def test_other_bytes_are_refused() -> None:
    with pytest.raises(SemflowError, match=r"a stored frame must be jpeg of 40x30, got nothing readable"):
        decode_image(b"not a picture", "jpeg", 30, 40)
    data, _ = encode_image(smooth(20, 20), "png", 95)
    with pytest.raises(SemflowError, match=r"a stored frame must be png of 40x30, got \(20, 20, 3\)"):
        decode_image(data, "png", 30, 40)
