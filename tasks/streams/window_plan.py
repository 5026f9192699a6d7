"""Settings of temporal windows; apart from the code that makes windows, which needs OpenCV."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowPlan:
    """Windows of a video, in instants: frames sampled at an even rate."""

    fps: float
    """Instants per second."""
    length: int
    """Instants per window."""
    stride: int
    """Instants from one window to the next."""
    max_windows: int
    """Windows per video at most."""
