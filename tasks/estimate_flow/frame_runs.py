"""Splitting a video into runs of consecutive whole frames, and the flow pairs of all of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, repeat

from tasks.arrays import Image
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowPair
from tasks.artifacts.frames import Frames
from tasks.estimate_flow.flow_backend import FlowBackend
from tasks.estimate_flow.flow_quality import assess_flow_pair


def estimate_flow_pairs(frames: Frames, backend: FlowBackend, encoding: FlowEncoding) -> Iterator[FlowPair]:
    """A FlowPair for every two neighbouring frames; one without flow where either is damaged or lost."""
    missing = FlowPair.empty(encoding)
    done = 0
    for start, images in iterate_frame_runs(frames, backend.pairs_per_run):
        yield from repeat(missing, start - done)
        for (first, second), (forward, backward) in zip(pairwise(images), backend.estimate(images), strict=True):
            yield assess_flow_pair(first, second, forward, backward, encoding)
        done = start + len(images) - 1
    yield from repeat(missing, len(frames) - 1 - done)


def iterate_frame_runs(frames: Frames, pairs: int) -> Iterator[tuple[int, list[Image]]]:
    """(first frame, images) of 2 to `pairs` + 1 consecutive whole frames; the next run starts with the last one."""
    start, run = 0, list[Image]()
    for frame, image in frames.images():
        if run and frame != start + len(run):  # a frame is missing in between
            if len(run) > 1:
                yield start, run
            run = []
        if not run:
            start = frame
        run.append(image)
        if len(run) > pairs:
            yield start, run
            start, run = frame, [image]
    if len(run) > 1:
        yield start, run
