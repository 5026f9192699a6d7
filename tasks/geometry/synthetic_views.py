"""Views of a real picture whose truth is known: turned, scaled, tilted, and in another light.

A view is what a camera would see that turns about the middle of the picture and comes nearer or goes away; what the
picture does not show stays black. A path is such a camera on its way while the film goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tasks.arrays import Image, Matrix

# The ranges of the project's own measurement (FACTS): far (rotation, scale, light), and a neighbouring frame.
FAR_DEGREES, FAR_SCALE, FAR_TILT = 30.0, (0.7, 1.4), 0.1
FAR_GAMMA, FAR_GAIN, FAR_COLOUR = (0.6, 1.6), (0.6, 1.4), (0.8, 1.2)
NEAR_DEGREES, NEAR_SCALE, NEAR_TILT, NEAR_SHIFT = 1.0, (0.99, 1.01), 0.005, 3.0


@dataclass(frozen=True)
class ViewTransform:
    """How a view differs in geometry."""

    degrees: float
    log_scale: float
    tilt: tuple[float, float]
    """Perspective: change of scale from the middle of the picture to one picture's width and height beyond."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Pixels."""

    def part(self, share: float) -> ViewTransform:
        """That share of the way here from standing still."""
        (u, v), (x, y) = self.tilt, self.shift
        return ViewTransform(
            share * self.degrees, share * self.log_scale, (share * u, share * v), (share * x, share * y)
        )

    def homography(self, height: int, width: int) -> Matrix:
        """Pixels of the picture to pixels of the view."""
        turn, scale = np.deg2rad(self.degrees), np.exp(self.log_scale)
        cos, sin = scale * np.cos(turn), scale * np.sin(turn)
        to_middle = _translation(-(width - 1) / 2, -(height - 1) / 2)
        similar = np.array([[cos, -sin, self.shift[0]], [sin, cos, self.shift[1]], [0, 0, 1]])
        tilted = np.array([[1, 0, 0], [0, 1, 0], [self.tilt[0] / width, self.tilt[1] / height, 1]])
        return np.linalg.inv(to_middle) @ similar @ tilted @ to_middle


@dataclass(frozen=True)
class LightChange:
    """How a view differs in light: 255 (x / 255)^gamma gain."""

    log_gamma: float
    log_gain: tuple[float, float, float]
    """Red, green, blue."""

    def part(self, share: float) -> LightChange:
        """That share of the way here from no change."""
        red, green, blue = self.log_gain
        return LightChange(share * self.log_gamma, (share * red, share * green, share * blue))

    def shine(self, image: Image) -> Image:
        """The (h, w, 3) `image` in this light."""
        scale = 255 * np.exp(self.log_gain)
        lit = (image / 255.0) ** np.exp(self.log_gamma) * scale
        return np.clip(np.rint(lit), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class SyntheticView:
    """A picture seen otherwise, and how."""

    image: Image
    homography: Matrix


def sample_far_view(rng: np.random.Generator) -> tuple[ViewTransform, LightChange]:
    """A camera and a light far from where the picture was taken."""
    return _sample_transform(rng, FAR_DEGREES, FAR_SCALE, FAR_TILT, 0.0), _sample_light(rng)


def sample_near_view(rng: np.random.Generator) -> ViewTransform:
    """A camera a frame later; the light stays."""
    return _sample_transform(rng, NEAR_DEGREES, NEAR_SCALE, NEAR_TILT, NEAR_SHIFT)


def render_view(image: Image, camera: ViewTransform, light: LightChange | None = None) -> SyntheticView:
    """The (h, w, 3) `image` as `camera` sees it in `light`."""
    height, width = image.shape[:2]
    homography = camera.homography(height, width)
    seen = cv2.warpPerspective(image, homography, (width, height), flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return SyntheticView(light.shine(seen) if light else seen, homography)


def render_view_path(images: Sequence[Image], camera: ViewTransform, light: LightChange) -> list[SyntheticView]:
    """The frames of a film as a camera sees them on its even way to `camera` and into `light`, the first unchanged."""
    steps = len(images) - 1
    return [render_view(image, camera.part(n / steps), light.part(n / steps)) for n, image in enumerate(images)]


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
