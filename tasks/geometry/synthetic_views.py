"""Synthetic views of a real image with known homography: rotated, scaled, tilted, and in another light.

A view is what a camera sees that rotates about the image centre and moves nearer or away; areas outside the image are
black. A view path applies such a change gradually over the frames of a video.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.arrays import Image, Matrix

# Chosen ranges: FAR changes rotation, scale and light strongly; NEAR is the change between neighbouring frames.
FAR_DEGREES, FAR_SCALE, FAR_TILT = 30.0, (0.7, 1.4), 0.1
FAR_GAMMA, FAR_GAIN, FAR_COLOUR = (0.6, 1.6), (0.6, 1.4), (0.8, 1.2)
NEAR_DEGREES, NEAR_SCALE, NEAR_TILT, NEAR_SHIFT = 1.0, (0.99, 1.01), 0.005, 3.0


@dataclass(frozen=True)
class ViewTransform:
    """Geometric change of a view."""

    degrees: float
    log_scale: float
    tilt: tuple[float, float]
    """Perspective: change of scale from the centre of the image to one image width and height away."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Pixels."""

    def scale_by(self, share: float) -> ViewTransform:
        """The fraction `share` of this change; 0 is the identity."""
        (u, v), (x, y) = self.tilt, self.shift
        return ViewTransform(
            share * self.degrees, share * self.log_scale, (share * u, share * v), (share * x, share * y)
        )

    def to_homography(self, height: int, width: int) -> Matrix:
        """(3, 3) pixels of the image to pixels of the view."""
        angle, scale = np.deg2rad(self.degrees), np.exp(self.log_scale)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        to_centre = _translation(-(width - 1) / 2, -(height - 1) / 2)
        similar = np.array([[cos, -sin, self.shift[0]], [sin, cos, self.shift[1]], [0, 0, 1]])
        tilted = np.array([[1, 0, 0], [0, 1, 0], [self.tilt[0] / width, self.tilt[1] / height, 1]])
        return np.linalg.inv(to_centre) @ similar @ tilted @ to_centre


@dataclass(frozen=True)
class LightChange:
    """Photometric change of a view: 255 (x / 255)^gamma gain."""

    log_gamma: float
    log_gain: tuple[float, float, float]
    """Red, green, blue."""

    def scale_by(self, share: float) -> LightChange:
        """The fraction `share` of this change; 0 is none."""
        red, green, blue = self.log_gain
        return LightChange(share * self.log_gamma, (share * red, share * green, share * blue))

    def relight_image(self, image: Image) -> Image:
        """The (h, w, 3) `image` with this change applied."""
        scale = 255 * np.exp(self.log_gain)
        lit = (image / 255.0) ** np.exp(self.log_gamma) * scale
        return np.clip(np.rint(lit), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class SyntheticView:
    """A rendered view and its homography."""

    image: Image
    homography: Matrix


def sample_far_view(rng: np.random.Generator) -> tuple[ViewTransform, LightChange]:
    """A random large change of geometry and light."""
    return _sample_transform(rng, FAR_DEGREES, FAR_SCALE, FAR_TILT, 0.0), _sample_light(rng)


def sample_near_view(rng: np.random.Generator) -> ViewTransform:
    """A random small change of geometry, as one frame later."""
    return _sample_transform(rng, NEAR_DEGREES, NEAR_SCALE, NEAR_TILT, NEAR_SHIFT)


def render_view(image: Image, camera: ViewTransform, light: LightChange | None = None) -> SyntheticView:
    """The (h, w, 3) `image` with the changes `camera` and `light`."""
    height, width = image.shape[:2]
    homography = camera.to_homography(height, width)
    rendered = cv2.warpPerspective(image, homography, (width, height), flags=cv2.INTER_LINEAR).astype(
        np.uint8, copy=False
    )
    return SyntheticView(light.relight_image(rendered) if light else rendered, homography)


def render_view_path(images: Sequence[Image], camera: ViewTransform, light: LightChange) -> list[SyntheticView]:
    """Views of `images` whose change grows linearly from none to `camera` and `light`."""
    steps = len(images) - 1
    return [render_view(image, camera.scale_by(n / steps), light.scale_by(n / steps)) for n, image in enumerate(images)]


def _sample_transform(
    rng: np.random.Generator, degrees: float, scale: tuple[float, float], tilt: float, shift: float
) -> ViewTransform:
    low, high = np.log(scale)
    u, v = rng.uniform(-tilt, tilt, 2)
    x, y = rng.uniform(-shift, shift, 2)
    return ViewTransform(
        float(rng.uniform(-degrees, degrees)), float(rng.uniform(low, high)), (float(u), float(v)), (float(x), float(y))
    )


def _sample_light(rng: np.random.Generator) -> LightChange:
    gain = np.log(rng.uniform(*FAR_GAIN)) + np.log(rng.uniform(*FAR_COLOUR, 3))
    red, green, blue = gain.tolist()
    return LightChange(float(np.log(rng.uniform(*FAR_GAMMA))), (red, green, blue))


def _translation(x: float, y: float) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)
