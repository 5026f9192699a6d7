"""Baseline: a per-point network from position and time, with or without features, to a class.

Positions and time enter as sines of doubling frequency (Mildenhall et al., "NeRF", ECCV 2020, eq. 4). It is trained on
the pixels of the labelled frames and evaluated on all others: a field without flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from flows.evaluate.synthetic_case import SyntheticCase, upsample_to_pixels
from tasks.arrays import LabelMap

WIDTH, STEPS, BATCH, RATE = 64, 400, 4096, 3e-3


@dataclass(frozen=True)
class PointEncoding:
    """Positional encoding of a point."""

    space: int
    """Octaves of x and y: finer ones overfit the labelled frames."""
    time: int
    """Octaves of time."""
    features: float
    """Factor of the unit feature vectors relative to the sines; 0 omits them."""


PLAIN = PointEncoding(space=3, time=2, features=0.0)
FEATURES = PointEncoding(space=3, time=2, features=5.0)
SMOOTH = PointEncoding(space=1, time=1, features=10.0)  # best of six settings on three scenes


def fit_per_point(case: SyntheticCase, encoding: PointEncoding) -> LabelMap:
    """(t, h, w) labels from position and time, and from the features there where `encoding` has them."""
    asked = [torch.from_numpy(_encode_pixels(case, frame, encoding)) for frame in case.labels]
    x = torch.cat(asked)
    y = torch.from_numpy(np.concatenate([labels.ravel() for labels in case.labels.values()]).astype(np.int64))
    network = _fit_network(x, y, case.class_count)
    with torch.no_grad():
        found = [
            network(torch.from_numpy(_encode_pixels(case, frame, encoding))).argmax(dim=1).numpy()
            for frame in range(len(case))
        ]
    return np.stack(found).reshape(len(case), *case.size).astype(np.uint8)


def _fit_network(x: torch.Tensor, y: torch.Tensor, classes: int) -> nn.Sequential:
    """A network from (n, d) points to (n,) classes, trained deterministically."""
    random = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _network(x.shape[1], classes)
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        batch = torch.randint(len(x), (BATCH,), generator=random)
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
        optimiser.step()
    return network


def _network(inputs: int, classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, classes)
    )


def _encode_pixels(case: SyntheticCase, frame: int, encoding: PointEncoding) -> NDArray[np.float32]:
    """(h * w, d) encoding of each pixel."""
    height, width = case.size
    y, x = np.mgrid[:height, :width].reshape(2, -1) / width * 2 - 1
    time = np.full(height * width, frame / max(1, len(case) - 1) * 2 - 1)
    known: list[NDArray[Any]] = [
        _encode_sines(x, encoding.space),
        _encode_sines(y, encoding.space),
        _encode_sines(time, encoding.time),
    ]
    if encoding.features:
        vectors = upsample_to_pixels(case.cells, case.grids[frame], height, width)
        known.append(vectors.reshape(height * width, -1) * encoding.features)
    return np.concatenate(known, axis=1).astype(np.float32)


def _encode_sines(value: NDArray[np.float64], octaves: int) -> NDArray[np.float64]:
    """(n, 1 + 2 octaves) the value, and sines and cosines of it."""
    turned = value[:, None] * np.pi * 2.0 ** np.arange(octaves)
    return np.concatenate([value[:, None], np.sin(turned), np.cos(turned)], axis=1)
