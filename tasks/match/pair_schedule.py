"""Which pairs of frames are matched: every `pair_interval`-th frame with the frames `strides` later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def schedule_pairs(frame_count: int, strides: Sequence[int], pair_interval: int) -> Iterator[tuple[int, list[int]]]:
    """(frame, strides that stay within the video, increasing) for every `pair_interval`-th frame that has any."""
    for frame in range(0, frame_count, pair_interval):
        reachable = [stride for stride in sorted(strides) if frame + stride < frame_count]
        if reachable:
            yield frame, reachable
