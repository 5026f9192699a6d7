"""Where a layer ends: signed distance to its outline in its own pixels, negative inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points

BUMP_FREQUENCIES = np.arange(2, 6)  # bumps around a blob


class LayerOutline(Protocol):
    """A shape about the origin."""

    @property
    def extent(self) -> tuple[float, float]:
        """Half width and half height of a box about the origin that holds it."""
        ...

    def distance(self, points: Points) -> NDArray[np.float64]:
        """(n,) pixels to the outline, to first order; below 0 inside."""
        ...


@dataclass(frozen=True)
class UnboundedOutline:
    """No outline: the background."""

    @property
    def extent(self) -> tuple[float, float]:
        """Endless."""
        return np.inf, np.inf

    def distance(self, points: Points) -> NDArray[np.float64]:
        """Deep inside, wherever that is."""
        return np.full(len(points), -np.inf)


@dataclass(frozen=True)
class PostOutline:
    """An upright bar."""

    half_width: float
    half_height: float

    @property
    def extent(self) -> tuple[float, float]:
        """Itself."""
        return self.half_width, self.half_height

    def distance(self, points: Points) -> NDArray[np.float64]:
        """To the nearest edge's line."""
        return np.max(np.abs(points) - self.extent, axis=1)


@dataclass(frozen=True, eq=False)
class BlobOutline:
    """A radius that waves around the middle: r = radius (1 + sum of a_m cos(m angle + p_m)), m of WAVES."""

    radius: float
    amplitudes: NDArray[np.float64]
    """(4,)."""
    phases: NDArray[np.float64]
    """(4,) radians."""

    @property
    def extent(self) -> tuple[float, float]:
        """The largest radius that could be."""
        most = self.radius * (1 + float(np.abs(self.amplitudes).sum()))
        return most, most

    def distance(self, points: Points) -> NDArray[np.float64]:
        """Along the ray from the middle, times the cosine of how aslant the outline lies there."""
        angle = np.arctan2(points[:, 1], points[:, 0])
        turned = angle[:, None] * BUMP_FREQUENCIES + self.phases
        radius = self.radius * (1 + np.cos(turned) @ self.amplitudes)
        slope = -self.radius * (np.sin(turned) * BUMP_FREQUENCIES) @ self.amplitudes
        return (np.hypot(*points.T) - radius) * radius / np.hypot(radius, slope)
