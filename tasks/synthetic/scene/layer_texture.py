"""Periodic textures of layers: two-colour noise with a 1/f amplitude spectrum.

Natural images have amplitude spectra near 1/f (Field, "Relations between the statistics of natural images", 1987).
The spectrum is zero above a quarter of the sampling rate, so that bilinear sampling does not alias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points

TEXTURE_SIDE = 256  # pixels of a tile
MAX_FREQUENCY = 0.25  # cycles per pixel
MIN_FREQUENCY = 1 / 64  # cycles per pixel: larger structures than an object would make its parts look unlike
COLOUR_SPREAD = 0.33  # of the two colours: noise of three standard deviations spans them
STREAK_RATIO = 2.0  # how much longer than wide structures are


@dataclass(frozen=True, eq=False)
class LayerTexture:
    """A periodic texture."""

    tile: NDArray[np.float64]
    """(SIDE, SIDE, 3) grey levels 0..255."""

    def sample(self, points: Points) -> NDArray[np.float64]:
        """(n, 3) colours at points, by bilinear interpolation."""
        low = np.floor(points).astype(np.int64)
        right, down = (points - low).T[..., None]
        x, y = low.T % TEXTURE_SIDE
        beside, below = (x + 1) % TEXTURE_SIDE, (y + 1) % TEXTURE_SIDE
        upper = self.tile[y, x] * (1 - right) + self.tile[y, beside] * right
        lower = self.tile[below, x] * (1 - right) + self.tile[below, beside] * right
        return upper * (1 - down) + lower * down


def draw_texture(
    rng: np.random.Generator, colours: tuple[NDArray[np.float64], NDArray[np.float64]], streak_angle: float
) -> LayerTexture:
    """A random texture between two (3,) colours, anisotropic along `streak_angle` (radians)."""
    y, x = np.meshgrid(np.fft.fftfreq(TEXTURE_SIDE), np.fft.fftfreq(TEXTURE_SIDE), indexing="ij")
    along, across = (
        x * np.cos(streak_angle) + y * np.sin(streak_angle),
        y * np.cos(streak_angle) - x * np.sin(streak_angle),
    )
    frequency = np.hypot(along * STREAK_RATIO, across)
    amplitude = np.where(
        (np.hypot(x, y) <= MAX_FREQUENCY) & (frequency >= MIN_FREQUENCY), 1 / np.maximum(frequency, MIN_FREQUENCY), 0
    )
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(TEXTURE_SIDE, TEXTURE_SIDE))) * amplitude).real
    share = np.clip(0.5 + COLOUR_SPREAD * noise / noise.std(), 0, 1)[..., None]
    # Rounded, so that the last bits of a Fourier transform, which differ between machines, have no effect.
    return LayerTexture(np.rint(colours[0] * (1 - share) + colours[1] * share))
