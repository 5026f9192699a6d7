"""Outlines of layers as signed distance functions in layer coordinates, negative inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points

BUMP_FREQUENCIES = np.arange(2, 6)  # bumps around a blob


class LayerOutline(Protocol):
    """A shape centred at the origin."""

    @property
    def extent(self) -> tuple[float, float]:
        """Half width and half height of its bounding box about the origin."""
        ...

    def distance(self, points: Points) -> NDArray[np.float64]:
        """(n,) pixels to the outline, to first order; below 0 inside."""
        ...


@dataclass(frozen=True)
class UnboundedOutline:
    """The whole plane: the background."""

    @property
    def extent(self) -> tuple[float, float]:
        """Infinite."""
        return np.inf, np.inf

    def distance(self, points: Points) -> NDArray[np.float64]:
        """(n,) minus infinity."""
        return np.full(len(points), -np.inf)


@dataclass(frozen=True)
class PostOutline:
    """An upright rectangle."""

    half_width: float
    half_height: float

    @property
    def extent(self) -> tuple[float, float]:
        """Its half sizes."""
        return self.half_width, self.half_height

    def distance(self, points: Points) -> NDArray[np.float64]:
        """(n,) signed distance to the nearest edge line."""
        return np.max(np.abs(points) - self.extent, axis=1)


@dataclass(frozen=True, eq=False)
class BlobOutline:
    """A blob with radius r = radius (1 + sum of a_m cos(m angle + p_m)), m of BUMP_FREQUENCIES."""

    radius: float
    amplitudes: NDArray[np.float64]
    """(4,)."""
    phases: NDArray[np.float64]
    """(4,) radians."""

    @property
    def extent(self) -> tuple[float, float]:
        """Upper bound of the radius."""
        most = self.radius * (1 + float(np.abs(self.amplitudes).sum()))
        return most, most

    def distance(self, points: Points) -> NDArray[np.float64]:
        """(n,) first-order signed distance: along the ray from the centre, times the cosine of the outline's slope."""
        angle = np.arctan2(points[:, 1], points[:, 0])
        turned = angle[:, None] * BUMP_FREQUENCIES + self.phases
        radius = self.radius * (1 + np.cos(turned) @ self.amplitudes)
        slope = -self.radius * (np.sin(turned) * BUMP_FREQUENCIES) @ self.amplitudes
        return (np.hypot(*points.T) - radius) * radius / np.hypot(radius, slope)
