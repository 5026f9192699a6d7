"""Motion of a layer in its plane: translation, rotation, scaling and bending, with an exact inverse.

Bending is two successive shears by sine waves: x + a sin(k y + p), then y + b sin(k x + q). Each changes one coordinate
by a function of the other, so the inverse is the same with opposite sign, for any amplitude.
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
    """Maps layer coordinates (pixels about its centre) to plane coordinates (pixels of frame 0)."""

    centres: NDArray[np.float64]
    """(t, 2) positions of the centre."""
    angles: Curve
    """Radians."""
    scales: Curve
    bend_x: Curve
    """Amplitude of the bend along x, pixels."""
    bend_y: Curve
    wave_number: float
    """Of the bends, radians per pixel."""
    phases: NDArray[np.float64]
    """(t, 2) of the bends, radians."""

    def to_plane(self, frame: int, points: Points) -> Points:
        """(n, 2) plane coordinates in `frame` of points in layer coordinates."""
        x, y = points.T
        x = x + self.bend_x[frame] * np.sin(self.wave_number * y + self.phases[frame, 0])
        y = y + self.bend_y[frame] * np.sin(self.wave_number * x + self.phases[frame, 1])
        return np.stack([x, y], axis=1) @ self.rotation_scale(frame).T + self.centres[frame]

    def to_layer(self, frame: int, points: Points) -> Points:
        """(n, 2) layer coordinates of points in plane coordinates in `frame`."""
        x, y = np.linalg.solve(self.rotation_scale(frame), (points - self.centres[frame]).T)
        y = y - self.bend_y[frame] * np.sin(self.wave_number * x + self.phases[frame, 1])
        x = x - self.bend_x[frame] * np.sin(self.wave_number * y + self.phases[frame, 0])
        return np.stack([x, y], axis=1)

    def max_bend_px(self) -> float:
        """Largest displacement by bending along either axis, pixels."""
        return float(max(np.abs(self.bend_x).max(), np.abs(self.bend_y).max()))

    def rotation_scale(self, frame: int) -> NDArray[np.float64]:
        """(2, 2) rotation and scaling matrix in `frame`."""
        cos, sin = np.cos(self.angles[frame]), np.sin(self.angles[frame])
        return self.scales[frame] * np.array([[cos, -sin], [sin, cos]])


def make_still_motion(frames: int, centre: tuple[float, float]) -> ActorMotion:
    """The motion of a static layer at `centre`."""
    still = np.zeros(frames)
    return ActorMotion(
        np.tile(centre, (frames, 1)).astype(np.float64), still, still + 1, still, still, 1.0, np.zeros((frames, 2))
    )
