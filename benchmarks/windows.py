"""`python -m benchmarks.windows PROJECT`: processor time of training windows, beside a loop written by hand.

The loop does for each window what somebody would write without `semflow.torch`: it opens the film's artifacts, cuts
the rows and decodes the frames, flow and features of the window. Both are measured in one process with one thread, in
turns, on the same windows; their values are compared first. PROJECT must keep frames and features.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import semflow
from semflow.torch import Windows, WindowSampler
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks

INPUTS, TARGETS = ("frames", "dense_flow", "features"), ("tracks",)
MOST_WINDOWS = 12
ROUNDS = 3


def read_by_hand(root: Path, video: str, start_s: float, end_s: float) -> dict[str, Any]:
    """A window as a loop without `semflow.torch` reads it."""
    frames, flow = Frames.load(Frames.path(root, video)), DenseFlow.load(DenseFlow.path(root, video))
    features = Features.load(Features.path(root, video))
    numbers = np.flatnonzero((frames.pts_s >= start_s - 1e-6) & (frames.pts_s < end_s - 1e-6)).tolist()
    stored = [features.vectors(features.frame_at(float(frames.pts_s[number]))) for number in numbers]
    tracks = pd.read_parquet(Tracks.path(root, video))
    return {
        "frames": torch.from_numpy(np.stack([frames.image(number) for number in numbers])).permute(0, 3, 1, 2),
        "dense_flow": torch.from_numpy(np.stack([flow.forward(min(n, len(flow) - 1)) for n in numbers])),
        "dense_flow_valid": torch.from_numpy(np.stack([flow.valid(min(n, len(flow) - 1)) for n in numbers])),
        "features": torch.from_numpy(np.stack([found for found in stored if found is not None])),
        "tracks": tracks[tracks.frame.isin(numbers)],
    }


def measure(read: Callable[[int], object], numbers: Iterable[int]) -> float:
    """Seconds of processor time per window."""
    began, count = time.process_time(), 0
    for number in numbers:
        read(number)
        count += 1
    return (time.process_time() - began) / count


def main(root: Path) -> None:
    """Print milliseconds per window and the ratio, the best of ROUNDS rounds."""
    torch.set_num_threads(1)
    windows = Windows(semflow.open(root), INPUTS, TARGETS, seconds=2, stride=1)
    order = list(WindowSampler(windows, seed=0))[:MOST_WINDOWS]

    def by_hand(number: int) -> dict[str, Any]:
        window = windows.windows[number]
        return read_by_hand(root, window.video, window.start_s, window.end_s)

    first, again = windows[order[0]], by_hand(order[0])
    assert torch.equal(first["frames"], again["frames"])
    assert len(first["tracks"]["frame"]) == len(again["tracks"])
    rounds = [(measure(windows.__getitem__, order), measure(by_hand, order)) for _ in range(ROUNDS)]
    ours, hand = (min(one[part] for one in rounds) for part in (0, 1))
    frames = np.mean([len(windows[number]["frame"]) for number in order])
    lines = [
        f"{len(order)} of {len(windows)} windows of 2 s, {frames:.0f} frames each, in shuffled order",
        f"semflow.torch.Windows {ours * 1e3:.0f} ms, by hand {hand * 1e3:.0f} ms per window: {hand / ours:.2f} times",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
