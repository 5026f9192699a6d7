"""What a semantic field must beat: labels copied, carried by flow, or found by how alike features are.

- copy: the labels of the nearest labelled frame.
- flow: Sundaram et al. (2010) check each step there and back; labels are carried from the labelled frames chained over
  neighbours, at once (flow that skips frames), or by both; each way is heard by how far it could be trusted.
- nearest features: the `COUNT` most alike cells of the labelled frames, weighted by a softmax of the cosines, of all
  cells or only those near by; and the same fed from frame to frame (tasks/geometry/feature_propagation.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.evaluate.synthetic_case import SyntheticCase, pool_class_shares, upsample_to_pixels
from tasks.arrays import LabelMap, Mask
from tasks.geometry.feature_propagation import (
    GridPropagationConfig,
    TopKSimilar,
    average_top_k_labels,
    find_top_k_similar,
    propagate_grid_labels,
)
from tasks.geometry.warp import pixel_grid

ClassVotes = NDArray[np.float32]
"""(h, w, classes) how much speaks for each class."""

UNTRUSTED_WEIGHT = 0.01  # what a step counts that fails the check there and back
FRAME_DECAY = 0.9  # per frame: a labelled frame nearer in time is the better witness
FILL_WEIGHT, FILL_PX = 1.0, 7.0  # weight and reach of the votes around
NEIGHBOUR_COUNT, TEMPERATURE = 5, 0.07  # of nearest features: as label propagation is run on DAVIS
NEAR_CELLS = 12
MEMORY_FRAMES = 5  # last frames that propagation looks at


def copy_nearest_labels(problem: SyntheticCase) -> LabelMap:
    """(t, h, w) the nearest labelled frame's labels, where they are."""
    return np.stack([problem.labels[problem.nearest_labelled(frame)] for frame in range(len(problem))])


def warp_along_chained_flow(problem: SyntheticCase) -> LabelMap:
    """(t, h, w) labels carried step by step."""
    return _decide_labels(_flow_votes(problem, frame, _chained) for frame in range(len(problem)))


def warp_and_fill(problem: SyntheticCase) -> LabelMap:
    """(t, h, w) the same, and where no step by step way can be trusted, what its surroundings say."""
    return _decide_labels(_fill_votes(_flow_votes(problem, frame, _chained)) for frame in range(len(problem)))


def warp_by_direct_flow(problem: SyntheticCase) -> LabelMap:
    """(t, h, w) labels carried at once by flow that skips frames."""
    return _decide_labels(_flow_votes(problem, frame, _direct) for frame in range(len(problem)))


def warp_by_both_flows(problem: SyntheticCase) -> LabelMap:
    """(t, h, w) labels carried both ways."""
    return _decide_labels(
        _flow_votes(problem, frame, _chained) + _flow_votes(problem, frame, _direct) for frame in range(len(problem))
    )


def match_nearest_features(problem: SyntheticCase) -> LabelMap:
    """(t, h, w) labels of the most alike cells of all the labelled frames, wherever they lie."""
    past, shares = _labelled_cells(problem)
    past, shares = past.reshape(-1, past.shape[-1]), shares.reshape(-1, shares.shape[-1])

    def votes(vectors: NDArray[np.float32]) -> ClassVotes:
        cosines = vectors.reshape(-1, vectors.shape[-1]) @ past.T
        index = np.argpartition(cosines, -NEIGHBOUR_COUNT, axis=1)[:, -NEIGHBOUR_COUNT:]
        alike = TopKSimilar(
            np.take_along_axis(cosines, index, axis=1).reshape(*vectors.shape[:2], -1),
            index.reshape(*vectors.shape[:2], -1),
        )
        return upsample_to_pixels(problem.cells, average_top_k_labels(alike, shares, TEMPERATURE), *problem.size)

    return _decide_labels(map(votes, problem.grids))


def match_features_nearby(problem: SyntheticCase) -> LabelMap:
    """(t, h, w) labels of the most alike cells at most NEAR_CELLS away."""
    past, shares = _labelled_cells(problem)
    found = (
        average_top_k_labels(find_top_k_similar(vectors, past, NEAR_CELLS, NEIGHBOUR_COUNT), shares, TEMPERATURE)
        for vectors in problem.grids
    )
    return _decide_labels(upsample_to_pixels(problem.cells, votes, *problem.size) for votes in found)


def propagate_by_features(problem: SyntheticCase) -> LabelMap:
    """(t, h, w) labels fed from frame to frame, away from each labelled one; the nearer one is heard."""
    how = GridPropagationConfig(NEAR_CELLS, NEIGHBOUR_COUNT, TEMPERATURE, MEMORY_FRAMES)
    soft: dict[int, Any] = {}
    for start, labels in problem.labels.items():
        begun = pool_class_shares(problem.cells, labels, problem.class_count)
        soft[start] = begun
        for way in (range(start - 1, -1, -1), range(start + 1, len(problem))):
            mine = [frame for frame in way if problem.nearest_labelled(frame) == start]
            found = propagate_grid_labels(problem.grids[start], (problem.grids[frame] for frame in mine), begun, how)
            soft.update(zip(mine, found, strict=True))
    return _decide_labels(
        upsample_to_pixels(problem.cells, soft[frame], *problem.size) for frame in range(len(problem))
    )


def _labelled_cells(problem: SyntheticCase) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, rows, columns, d) vectors of the labelled frames, and (n, rows, columns, classes) shares of classes."""
    shares = [pool_class_shares(problem.cells, labels, problem.class_count) for labels in problem.labels.values()]
    return problem.grids[list(problem.labels)], np.stack(shares)


def _flow_votes(problem: SyntheticCase, frame: int, way: Any) -> ClassVotes:
    votes = np.zeros((*problem.size, problem.class_count), np.float32)
    rows, columns = np.indices(problem.size)
    for labelled, labels in problem.labels.items():
        places, trust = way(problem, frame, labelled)
        x, y = _pixels(places, problem.size)
        votes[rows, columns, labels[y, x]] += trust * np.float32(FRAME_DECAY ** abs(labelled - frame))
    return votes


def _fill_votes(votes: ClassVotes) -> ClassVotes:
    """(h, w, classes) with a share of the votes around, which decides where the own ones weigh next to nothing."""
    blurred: Any = cv2.GaussianBlur(votes, (0, 0), FILL_PX)
    return votes + np.float32(FILL_WEIGHT) * blurred


def _chained(problem: SyntheticCase, frame: int, labelled: int) -> tuple[Any, Any]:
    """(h, w, 2) where pixels of `frame` come to lie in `labelled`, step by step, and (h, w) trust in it."""
    places = pixel_grid(*problem.size).copy()
    trust = np.ones(problem.size, np.float32)
    way = 1 if labelled > frame else -1
    for now in range(frame, labelled, way):
        flow, valid = problem.step(now, now + way)
        trust *= _step_weights(valid, places, problem.size)
        remap: Any = cv2.remap
        places = places + remap(flow, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return places, trust


def _direct(problem: SyntheticCase, frame: int, labelled: int) -> tuple[Any, Any]:
    """The same at once."""
    places = pixel_grid(*problem.size)
    if frame == labelled:
        return places, np.ones(problem.size, np.float32)
    flow, valid = problem.direct(frame, labelled)
    return places + flow, _step_weights(valid, places, problem.size)


def _step_weights(valid: Mask, places: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w) what a step counts that starts at `places`."""
    x, y = _pixels(places, size)
    return np.where(valid[y, x], 1, UNTRUSTED_WEIGHT).astype(np.float32)


def _pixels(places: NDArray[np.float32], size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    x, y = np.rint(places).astype(np.intp).transpose(2, 0, 1)
    return x.clip(0, size[1] - 1), y.clip(0, size[0] - 1)


def _decide_labels(votes: Iterable[ClassVotes]) -> LabelMap:
    return np.stack([vote.argmax(axis=-1) for vote in votes]).astype(np.uint8)
