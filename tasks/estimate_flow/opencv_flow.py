"""Dense optical flow without learning, on grey images, by OpenCV: DIS and Farneback.

DIS: Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse Search" (ECCV 2016). Farneback:
"Two-frame motion estimation based on polynomial expansion" (SCIA 2003). Neither depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import cv2
import numpy as np

from tasks.arrays import FlowField, GrayImage, Image

DisPreset = Literal["ultrafast", "fast", "medium", "fine"]
MIN_DIS_SIDE = 16  # DIS has patches of 8 pixels at half size, and rejects smaller images


@dataclass(frozen=True)
class DisSettings:
    """Settings of a preset; None keeps OpenCV's value."""

    base: int
    """OpenCV's preset with the default values."""
    finest_scale: int | None = None
    """Finest level of the image pyramid: 1 works at half size and doubles the result."""
    patch_stride: int | None = None
    """Pixels between neighbouring patches."""
    descent: int | None = None
    """Gradient descent iterations of the inverse search per patch."""
    refinement: int | None = None
    """Iterations of the variational refinement per scale."""


DIS_PRESETS: dict[DisPreset, DisSettings] = {
    "ultrafast": DisSettings(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST),
    "fast": DisSettings(cv2.DISOPTICAL_FLOW_PRESET_FAST),
    # OpenCV's medium descends 25 times; 16 take a tenth less time and have less error over three benchmark pairs.
    # With 8, masks moved along chained flow lose overlap on fast DAVIS sequences (J .610 over all ten, with 16 .621).
    # Of refinements, 10 have 1 % less error on those pairs than 7 and take a fifth more time; masks moved over eight
    # frames of the ten sequences have J .616 with 10 and .619 with 7, and 24 pairs of rendered scenes with mean motions
    # of 4, 12 and 24 px errors of .866, 5.24 and 13.19 px with 10, of .861, 5.28 and 13.12 px with 7.
    "medium": DisSettings(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, descent=16, refinement=7),
    # Full size, as the paper's fourth operating point: a fifth to half less error for 2.5 times the time.
    "fine": DisSettings(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM, finest_scale=0, patch_stride=4, descent=12, refinement=5),
}

# OpenCV's tutorial on dense flow: halving pyramid of 3 levels, window 15, 3 iterations, neighbourhood 5, sigma 1.2.
FARNEBACK_SETTINGS = {
    "pyr_scale": 0.5,
    "levels": 3,
    "winsize": 15,
    "iterations": 3,
    "poly_n": 5,
    "poly_sigma": 1.2,
    "flags": 0,
}


def make_dis_estimator(preset: DisPreset) -> Callable[[Sequence[Image]], Iterator[tuple[FlowField, FlowField]]]:
    """Estimator by dense inverse search (DIS) with the settings of `preset`."""
    search = _make_dis(DIS_PRESETS[preset])
    return lambda images: _estimate_neighbours(images, lambda first, second: search.calc(first, second, None))


def estimate_farneback(images: Sequence[Image]) -> Iterator[tuple[FlowField, FlowField]]:
    """Forward and backward flow of neighbouring images by Farneback's polynomial expansion."""
    expand: Any = cv2.calcOpticalFlowFarneback
    return _estimate_neighbours(images, lambda first, second: expand(first, second, None, **FARNEBACK_SETTINGS))


def _make_dis(settings: DisSettings) -> Any:
    search = cv2.DISOpticalFlow.create(settings.base)
    if settings.finest_scale is not None:
        search.setFinestScale(settings.finest_scale)
    if settings.patch_stride is not None:
        search.setPatchStride(settings.patch_stride)
    if settings.descent is not None:
        search.setGradientDescentIterations(settings.descent)
    if settings.refinement is not None:
        search.setVariationalRefinementIterations(settings.refinement)
    return search


def _estimate_neighbours(
    images: Sequence[Image], flow: Callable[[GrayImage, GrayImage], FlowField]
) -> Iterator[tuple[FlowField, FlowField]]:
    """Forward and backward flow of neighbours, images smaller than SMALLEST_SIDE continued by their borders."""
    height, width = images[0].shape[:2]
    bottom, right = max(0, MIN_DIS_SIDE - height), max(0, MIN_DIS_SIDE - width)
    grays = [_to_padded_gray(image, bottom, right) for image in images]
    for first, second in pairwise(grays):
        yield flow(first, second)[:height, :width], flow(second, first)[:height, :width]


def _to_padded_gray(image: Image, bottom: int, right: int) -> GrayImage:
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if bottom or right:
        gray = cv2.copyMakeBorder(gray, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return gray.astype(np.uint8, copy=False)
