"""Label propagation by feature similarity: each cell takes the mean label of its most similar cells in past frames.

As Jabri, Owens and Efros, "Space-Time Correspondence as a Contrastive Random Walk" (NeurIPS 2020), and Caron et al.
(DINO, 2021) run it on DAVIS: the top-k cells of the first frame and the last ones, within a radius, weighted by a
softmax of their cosines. Labels stay soft and are fed back on the grid as they are; nothing is learned, and no later
frame is used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

AnyGrid = NDArray[Any]
"""(h, w, d) unit vectors, or (h, w, c) labels."""
TILE = 12  # cells per side of the squares compared at once: bounds memory, and fits a processor's cache


@dataclass(frozen=True)
class GridPropagationConfig:
    """Parameters of the propagation."""

    radius: int
    """Cells to each side of a cell's own position that are compared."""
    count: int
    """Number of most similar cells (k), over all past frames together."""
    temperature: float
    """Of the softmax: a cosine smaller by this weighs e times less."""
    memory: int
    """Number of last frames compared, besides the first."""


@dataclass(frozen=True)
class TopKSimilar:
    """The most similar cells of past frames for each cell, in no particular order."""

    cosine: NDArray[np.float32]
    """(h, w, count); -inf where the window holds fewer cells."""
    index: NDArray[np.intp]
    """(h, w, count) position in the (past, h, w) cells, flattened."""


def propagate_grid_labels(
    first: AnyGrid,
    frames: Iterable[AnyGrid | None],
    labels: AnyGrid,
    config: GridPropagationConfig,
    refine: Callable[[int, AnyGrid], AnyGrid] | None = None,
) -> Iterator[AnyGrid | None]:
    """(h, w, c) labels of each of `frames`, which follow the frame `first` with known `labels`.

    None for a frame that is None (damaged or lost); later frames are propagated from those before it. `refine` maps the
    position of a frame in `frames` and its (h, w, c) propagated labels to those that are yielded and fed back.
    """
    labelled = _LabelledGrid(np.asarray(first, np.float32), np.asarray(labels, np.float32))
    last: deque[_LabelledGrid] = deque(maxlen=config.memory)
    for number, frame in enumerate(frames):
        if frame is None:
            yield None
            continue
        vectors = np.asarray(frame, np.float32)
        past = [labelled, *last]
        similar = find_top_k_similar(vectors, np.stack([seen.vectors for seen in past]), config.radius, config.count)
        propagated = average_top_k_labels(similar, np.stack([seen.labels for seen in past]), config.temperature)
        if refine is not None:
            propagated = np.asarray(refine(number, propagated), np.float32)
        last.append(_LabelledGrid(vectors, propagated))
        yield propagated


def find_top_k_similar(vectors: NDArray[np.float32], past: NDArray[np.float32], radius: int, count: int) -> TopKSimilar:
    """The `count` cells of the (n, h, w, d) `past` most similar to each of the (h, w, d), within `radius` cells."""
    n, h, w, _ = past.shape
    side = 2 * radius + 1
    count = min(count, n * side * side)
    wide = np.pad(past, ((0, 0), (radius, radius), (radius, radius), (0, 0)))
    outside = np.pad(np.zeros((h, w), np.float32), radius, constant_values=-np.inf)
    found = TopKSimilar(np.empty((h, w, count), np.float32), np.empty((h, w, count), np.intp))
    for top in range(0, h, TILE):
        for left in range(0, w, TILE):
            tile = vectors[top : top + TILE, left : left + TILE]
            rows, columns = slice(top, top + len(tile) + side - 1), slice(left, left + tile.shape[1] + side - 1)
            cosines = _window_cosines(tile, wide[:, rows, columns], outside[rows, columns], side)
            best = np.argpartition(cosines, -count, axis=-1)[..., -count:]
            here = np.s_[top : top + len(tile), left : left + tile.shape[1]]
            found.cosine[here] = np.take_along_axis(cosines, best, axis=-1)
            frame, place = np.divmod(best, side * side)
            down, right = np.divmod(place, side)
            row = np.arange(top, top + len(tile))[:, None, None] + down - radius
            column = np.arange(left, left + tile.shape[1])[None, :, None] + right - radius
            found.index[here] = (frame * h + row) * w + column
    return found


def average_top_k_labels(similar: TopKSimilar, labels: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """(h, w, c) mean of the (past, h, w, c) `labels` of the similar cells, weighted by a softmax of their cosines."""
    weight = np.exp((similar.cosine - similar.cosine.max(axis=-1, keepdims=True)) / np.float32(temperature))
    weight /= weight.sum(axis=-1, keepdims=True)
    # Cells outside the grid have weight 0; any index will do for them.
    neighbour_labels = labels.reshape(-1, labels.shape[-1])[np.where(weight > 0, similar.index, 0)]
    return (weight[..., None] * neighbour_labels).sum(axis=2)


@dataclass(frozen=True)
class _LabelledGrid:
    vectors: NDArray[np.float32]
    labels: NDArray[np.float32]


def _window_cosines(
    tile: NDArray[np.float32], around: NDArray[np.float32], outside: NDArray[np.float32], side: int
) -> NDArray[np.float32]:
    """(h, w, past * side * side) cosines of a tile's cells with the window around each.

    One matrix product compares the tile with everything around it; a strided view then selects each cell's window.
    """
    height, width, d = tile.shape
    n, rows, columns = around.shape[:3]
    cosines = (tile.reshape(-1, d) @ around.reshape(-1, d).T).reshape(height, width, n, rows, columns) + outside
    down, right, past, row, column = cosines.strides
    windows = as_strided(cosines, (height, width, n, side, side), (down + row, right + column, past, row, column))
    return windows.reshape(height, width, -1)
