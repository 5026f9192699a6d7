"""Pretrained projections for the default layers, fitted once on the sample clips and stored beside this file.

They are fixed, so that vectors of different videos are comparable and a new video does not change old features.
`python -m flows.training.fit_pretrained_axes` fits them again.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.errors import BadParams
from tasks.geometry.wccn_projection import LinearProjection

FOLDER = Path(__file__).parent
PRETRAINED_FILES: dict[tuple[str, tuple[str, ...]], str] = {
    ("mobilenet-v2", ("b6", "b13", "b17")): "mobilenet_v2_b6_b13_b17.npy",
    ("efficientnet-lite0", ("b4", "b10", "b14")): "efficientnet_lite0_b4_b10_b14.npy",
}
"""Files of (1 + d, channels) float16: the mean, then the axes."""
MAX_DIMENSIONS = 128
"""Number of axes in each file."""


@cache
def load_pretrained_axes(network: str, layers: tuple[str, ...], dimensions: int) -> NDArray[np.float16]:
    """(1 + dimensions, channels) mean and first axes for these layers; BadParams where none were fitted."""
    name = PRETRAINED_FILES.get((network, layers))
    if name is None or dimensions > MAX_DIMENSIONS:
        known = "; ".join(f"{net} with {', '.join(parts)}" for net, parts in PRETRAINED_FILES)
        raise BadParams(
            f"extract_features.dimensions must be null, or up to {MAX_DIMENSIONS} for {known}; got {dimensions} for "
            f"{network} with {', '.join(layers)}; set fit_axes.fitted_on to dataset to fit axes for other layers"
        )
    return np.load(FOLDER / name)[: dimensions + 1]


def load_pretrained_projection(
    network: str, layers: tuple[str, ...], dimensions: int | None
) -> LinearProjection | None:
    """Projection onto the pretrained axes; None where all channels are kept."""
    if dimensions is None:
        return None
    rows = load_pretrained_axes(network, layers, dimensions).astype(np.float32)
    return LinearProjection(rows[0], np.ascontiguousarray(rows[1:].T))
