"""Which pairs of frames are matched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def schedule_pairs(frame_count: int, strides: Sequence[int], every: int) -> Iterator[tuple[int, list[int]]]:
    """(frame, strides that reach another frame from there) for every `every`-th frame with any, strides increasing."""
    for frame in range(0, frame_count, every):
        reach = [stride for stride in sorted(strides) if frame + stride < frame_count]
        if reach:
            yield frame, reach
