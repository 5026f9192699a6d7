"""How a layer moves in its own plane: carried, turned, grown and bent, and all of it back again exactly.

Bending is two shears by sine waves, one after the other: x + a sin(k y + p), then y + b sin(k x + q). Each changes one
coordinate by the other, so the inverse is the same with the sign turned, whatever the amplitude.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points

Curve = NDArray[np.float64]
"""(t,) a value for each frame."""


@dataclass(frozen=True, eq=False)
class ActorMotion:
    """From a layer's own coordinates (pixels about its middle) to the plane's (pixels of frame 0)."""

    centres: NDArray[np.float64]
    """(t, 2) where the middle is."""
    angles: Curve
    """Radians."""
    scales: Curve
    bend_x: Curve
    """Pixels that x moves at most."""
    bend_y: Curve
    wave_number: float
    """Of the bends, radians per pixel."""
    phases: NDArray[np.float64]
    """(t, 2) of the bends, radians."""

    def forward(self, frame: int, points: Points) -> Points:
        """(n, 2) own coordinates to the plane's in `frame`."""
        x, y = points.T
        x = x + self.bend_x[frame] * np.sin(self.wave_number * y + self.phases[frame, 0])
        y = y + self.bend_y[frame] * np.sin(self.wave_number * x + self.phases[frame, 1])
        return np.stack([x, y], axis=1) @ self.turn(frame).T + self.centres[frame]

    def inverse(self, frame: int, points: Points) -> Points:
        """(n, 2) the plane's coordinates in `frame` to the layer's own."""
        x, y = np.linalg.solve(self.turn(frame), (points - self.centres[frame]).T)
        y = y - self.bend_y[frame] * np.sin(self.wave_number * x + self.phases[frame, 1])
        x = x - self.bend_x[frame] * np.sin(self.wave_number * y + self.phases[frame, 0])
        return np.stack([x, y], axis=1)

    def reach(self) -> float:
        """Pixels that bending moves a point at most along either axis."""
        return float(max(np.abs(self.bend_x).max(), np.abs(self.bend_y).max()))

    def turn(self, frame: int) -> NDArray[np.float64]:
        """(2, 2) what turns and grows a bent layer."""
        cos, sin = np.cos(self.angles[frame]), np.sin(self.angles[frame])
        return self.scales[frame] * np.array([[cos, -sin], [sin, cos]])


def make_still_motion(frames: int, centre: tuple[float, float]) -> ActorMotion:
    """No motion at all: what the camera looks past."""
    still = np.zeros(frames)
    return ActorMotion(
        np.tile(centre, (frames, 1)).astype(np.float64), still, still + 1, still, still, 1.0, np.zeros((frames, 2))
    )
