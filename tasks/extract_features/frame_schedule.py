"""Which frames get features: some of each group of `frame_interval` frames."""

from __future__ import annotations

from collections.abc import Sequence


def schedule_frames(frame_count: int, interval: int, offsets: Sequence[int]) -> list[int]:
    """The frames whose position in their group of `interval` frames is among `offsets`, increasing."""
    return [frame for frame in range(frame_count) if frame % interval in offsets]
