"""Baselines of label propagation: copying, warping by optical flow, and nearest neighbours of features.

- copy: the labels of the nearest labelled frame.
- flow: labels are warped from the labelled frames by flow chained over neighbours, by direct flow (which skips frames),
  or by both, weighted by the forward-backward check of each step (Sundaram et al., 2010).
- nearest features: the `NEIGHBOUR_COUNT` most similar cells of the labelled frames, weighted by a softmax of the
  cosines, of all cells or only those near by; and the same propagated from frame to frame
  (tasks/geometry/feature_propagation.py).
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
"""(h, w, classes) weight of each class."""

UNTRUSTED_WEIGHT = 0.01  # weight of a step that fails the forward-backward check
FRAME_DECAY = 0.9  # weight per frame of temporal distance
FILL_WEIGHT, FILL_PX = 1.0, 7.0  # weight and standard deviation of the smoothed votes
NEIGHBOUR_COUNT, TEMPERATURE = 5, 0.07  # of nearest features: as label propagation is run on DAVIS
NEAR_CELLS = 12
MEMORY_FRAMES = 5  # last frames in the memory of propagation


def copy_nearest_labels(case: SyntheticCase) -> LabelMap:
    """(t, h, w) labels of the nearest labelled frame, unmoved."""
    return np.stack([case.labels[case.nearest_labelled(frame)] for frame in range(len(case))])


def warp_along_chained_flow(case: SyntheticCase) -> LabelMap:
    """(t, h, w) labels warped by chained flow."""
    return _decide_labels(_flow_votes(case, frame, _chained) for frame in range(len(case)))


def warp_and_fill(case: SyntheticCase) -> LabelMap:
    """(t, h, w) labels warped by chained flow, filled from the neighbourhood where no chain passes the check."""
    return _decide_labels(_fill_votes(_flow_votes(case, frame, _chained)) for frame in range(len(case)))


def warp_by_direct_flow(case: SyntheticCase) -> LabelMap:
    """(t, h, w) labels warped by direct flow to the labelled frames."""
    return _decide_labels(_flow_votes(case, frame, _direct) for frame in range(len(case)))


def warp_by_both_flows(case: SyntheticCase) -> LabelMap:
    """(t, h, w) labels warped by chained and by direct flow."""
    return _decide_labels(
        _flow_votes(case, frame, _chained) + _flow_votes(case, frame, _direct) for frame in range(len(case))
    )


def match_nearest_features(case: SyntheticCase) -> LabelMap:
    """(t, h, w) labels of the most similar cells of all the labelled frames, at any position."""
    past, shares = _labelled_cells(case)
    past, shares = past.reshape(-1, past.shape[-1]), shares.reshape(-1, shares.shape[-1])

    def votes(vectors: NDArray[np.float32]) -> ClassVotes:
        cosines = vectors.reshape(-1, vectors.shape[-1]) @ past.T
        index = np.argpartition(cosines, -NEIGHBOUR_COUNT, axis=1)[:, -NEIGHBOUR_COUNT:]
        alike = TopKSimilar(
            np.take_along_axis(cosines, index, axis=1).reshape(*vectors.shape[:2], -1),
            index.reshape(*vectors.shape[:2], -1),
        )
        return upsample_to_pixels(case.cells, average_top_k_labels(alike, shares, TEMPERATURE), *case.size)

    return _decide_labels(map(votes, case.grids))


def match_features_nearby(case: SyntheticCase) -> LabelMap:
    """(t, h, w) labels of the most similar cells at most NEAR_CELLS away."""
    past, shares = _labelled_cells(case)
    found = (
        average_top_k_labels(find_top_k_similar(vectors, past, NEAR_CELLS, NEIGHBOUR_COUNT), shares, TEMPERATURE)
        for vectors in case.grids
    )
    return _decide_labels(upsample_to_pixels(case.cells, votes, *case.size) for votes in found)


def propagate_by_features(case: SyntheticCase) -> LabelMap:
    """(t, h, w) labels propagated by features from the nearest labelled frame, frame by frame."""
    how = GridPropagationConfig(NEAR_CELLS, NEIGHBOUR_COUNT, TEMPERATURE, MEMORY_FRAMES)
    soft: dict[int, Any] = {}
    for start, labels in case.labels.items():
        start_shares = pool_class_shares(case.cells, labels, case.class_count)
        soft[start] = start_shares
        for way in (range(start - 1, -1, -1), range(start + 1, len(case))):
            mine = [frame for frame in way if case.nearest_labelled(frame) == start]
            found = propagate_grid_labels(case.grids[start], (case.grids[frame] for frame in mine), start_shares, how)
            soft.update(zip(mine, found, strict=True))
    return _decide_labels(upsample_to_pixels(case.cells, soft[frame], *case.size) for frame in range(len(case)))


def _labelled_cells(case: SyntheticCase) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, rows, columns, d) vectors of the labelled frames, and (n, rows, columns, classes) shares of classes."""
    shares = [pool_class_shares(case.cells, labels, case.class_count) for labels in case.labels.values()]
    return case.grids[list(case.labels)], np.stack(shares)


def _flow_votes(case: SyntheticCase, frame: int, way: Any) -> ClassVotes:
    votes = np.zeros((*case.size, case.class_count), np.float32)
    rows, columns = np.indices(case.size)
    for labelled, labels in case.labels.items():
        places, trust = way(case, frame, labelled)
        x, y = _pixels(places, case.size)
        votes[rows, columns, labels[y, x]] += trust * np.float32(FRAME_DECAY ** abs(labelled - frame))
    return votes


def _fill_votes(votes: ClassVotes) -> ClassVotes:
    """(h, w, classes) votes plus smoothed votes, which decide where the votes themselves are close to 0."""
    blurred: Any = cv2.GaussianBlur(votes, (0, 0), FILL_PX)
    return votes + np.float32(FILL_WEIGHT) * blurred


def _chained(case: SyntheticCase, frame: int, labelled: int) -> tuple[Any, Any]:
    """(h, w, 2) positions in `labelled` of the pixels of `frame` by chained flow, and (h, w) weights."""
    places = pixel_grid(*case.size).copy()
    trust = np.ones(case.size, np.float32)
    way = 1 if labelled > frame else -1
    for now in range(frame, labelled, way):
        flow, valid = case.neighbour_flow(now, now + way)
        trust *= _step_weights(valid, places, case.size)
        remap: Any = cv2.remap
        places = places + remap(flow, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return places, trust


def _direct(case: SyntheticCase, frame: int, labelled: int) -> tuple[Any, Any]:
    """The same by direct flow."""
    places = pixel_grid(*case.size)
    if frame == labelled:
        return places, np.ones(case.size, np.float32)
    flow, valid = case.direct(frame, labelled)
    return places + flow, _step_weights(valid, places, case.size)


def _step_weights(valid: Mask, places: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w) weight of a flow step that starts at `places`."""
    x, y = _pixels(places, size)
    return np.where(valid[y, x], 1, UNTRUSTED_WEIGHT).astype(np.float32)


def _pixels(places: NDArray[np.float32], size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    x, y = np.rint(places).astype(np.intp).transpose(2, 0, 1)
    return x.clip(0, size[1] - 1), y.clip(0, size[0] - 1)


def _decide_labels(votes: Iterable[ClassVotes]) -> LabelMap:
    return np.stack([vote.argmax(axis=-1) for vote in votes]).astype(np.uint8)
