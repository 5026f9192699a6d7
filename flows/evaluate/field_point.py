"""A network that knows each point alone: position and time, with or without features, to a class.

Positions and time enter as sines of doubling frequency (Mildenhall et al., "NeRF", ECCV 2020, eq. 4). It is trained on
the pixels of the labelled frames and asked for all others: what a field without flow could know.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from flows.evaluate.field_problem import Labels, Problem, at_pixels

SPACE_OCTAVES, TIME_OCTAVES = 3, 2  # finer ones learn the labelled frames by heart
FEATURE_GAIN = 5.0  # brings unit vectors' components to the size of the other inputs
WIDTH, STEPS, BATCH, RATE = 64, 400, 4096, 3e-3


def per_point(problem: Problem) -> Labels:
    """(t, h, w) labels from position and time."""
    return _fitted(problem, features=False)


def per_point_features(problem: Problem) -> Labels:
    """(t, h, w) labels from position, time and the features there."""
    return _fitted(problem, features=True)


def _fitted(problem: Problem, *, features: bool) -> Labels:
    asked = {frame: torch.from_numpy(_points(problem, frame, features=features)) for frame in problem.labels}
    x = torch.cat(list(asked.values()))
    y = torch.from_numpy(np.concatenate([labels.ravel() for labels in problem.labels.values()]).astype(np.int64))
    random = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _network(x.shape[1], problem.class_count)
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        batch = torch.randint(len(x), (BATCH,), generator=random)
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
        optimiser.step()
    with torch.no_grad():
        found = [
            network(torch.from_numpy(_points(problem, frame, features=features))).argmax(dim=1).numpy()
            for frame in range(len(problem))
        ]
    return np.stack(found).reshape(len(problem), *problem.size).astype(np.uint8)


def _network(inputs: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, classes)
    )


def _points(problem: Problem, frame: int, *, features: bool) -> NDArray[np.float32]:
    """(h * w, d) what is known of each pixel."""
    height, width = problem.size
    y, x = np.mgrid[:height, :width].reshape(2, -1) / width * 2 - 1
    time = np.full(height * width, frame / max(1, len(problem) - 1) * 2 - 1)
    known: list[NDArray[Any]] = [_waves(x, SPACE_OCTAVES), _waves(y, SPACE_OCTAVES), _waves(time, TIME_OCTAVES)]
    if features:
        known.append(
            at_pixels(problem.cells, problem.grids[frame], height, width).reshape(height * width, -1) * FEATURE_GAIN
        )
    return np.concatenate(known, axis=1).astype(np.float32)


def _waves(value: NDArray[np.float64], octaves: int) -> NDArray[np.float64]:
    """(n, 1 + 2 octaves) the value, and sines and cosines of it."""
    turned = value[:, None] * np.pi * 2.0 ** np.arange(octaves)
    return np.concatenate([value[:, None], np.sin(turned), np.cos(turned)], axis=1)
