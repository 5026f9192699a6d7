"""How a video is cut into windows: four numbers, apart from the code that cuts, which needs OpenCV."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowPlan:
    """Windows of a video, in instants: pictures at an even rate."""

    fps: float
    """Instants per second."""
    length: int
    """Instants per window."""
    stride: int
    """Instants from one window to the next."""
    most: int
    """Windows per video at most."""
