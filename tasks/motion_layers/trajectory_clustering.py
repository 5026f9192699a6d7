"""Motion segmentation: clusters of point trajectories by their largest motion difference over time.

Brox and Malik, "Object Segmentation by Long Term Analysis of Point Trajectories" (ECCV 2010): two neighbouring
trajectories whose motions differ in any frame belong to different objects, however similar they are in all others; so
the distance of a pair is the maximum over time (their eq. 1). Differences: average linkage (Sokal and Michener, 1958)
on the graph of spatial neighbours instead of spectral clustering, which needs no number of clusters and averages out
single wrong distances; and a tolerance that grows with distance, for rotation and scaling.
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from tasks.arrays import Floats32, Indices
from tasks.motion_layers.point_trajectories import STRIDE_PX, Trajectories

NEIGHBOUR_PX = 1.5 * STRIDE_PX  # includes the four neighbours on the lattice and the diagonal ones
MAX_LINKAGE_PX = 0.7  # per frame, between neighbours of two clusters: three times DIS's mean error on Middlebury
STRAIN = 0.12  # px per frame and px of distance, tolerated for rotation: 7 degrees from one frame to the next
MIN_COMMON_STEPS = 2  # that two trajectories must share to be compared
MAX_DIFFERENCE_PX = 4.0  # larger differences are clipped

ClusterLabels = Indices
"""(n,) the cluster of each trajectory, numbered from 0."""
_BorderSums = dict[int, tuple[float, int]]
"""Neighbouring cluster to the sum of distances across their border, and the number of pairs."""


def cluster_trajectories(at: Trajectories) -> ClusterLabels:
    """The cluster of each trajectory; a trajectory without a comparable neighbour is a cluster of its own."""
    first, second = _neighbour_pairs(at)
    distance, common = _pair_distances(at, first, second)
    known = common >= MIN_COMMON_STEPS
    root = _link_clusters(len(at), first[known], second[known], distance[known])
    return np.unique(root, return_inverse=True)[1].astype(np.intp)


def _neighbour_pairs(at: Trajectories) -> tuple[Indices, Indices]:
    """Pairs of trajectories that are neighbours in any frame, each once."""
    from scipy.spatial import KDTree

    pairs = [np.zeros((0, 2), np.intp)]
    for frame in range(at.shape[1]):
        live = np.flatnonzero(~np.isnan(at[:, frame, 0]))
        if len(live):
            near: Any = KDTree(at[live, frame]).query_pairs(NEIGHBOUR_PX, output_type="ndarray")
            pairs.append(np.sort(live[near], axis=1))
    code = np.concatenate(pairs)
    found = np.unique(code[:, 0] * len(at) + code[:, 1])
    return (found // len(at)).astype(np.intp), (found % len(at)).astype(np.intp)


def _pair_distances(at: Trajectories, first: Indices, second: Indices) -> tuple[Floats32, Indices]:
    """Largest motion difference of each pair, px per frame, and the number of steps that both trajectories have."""
    largest = np.full(len(first), -np.inf, np.float32)
    common = np.zeros(len(first), np.intp)
    for frame in range(at.shape[1] - 1):
        step = at[:, frame + 1] - at[:, frame]
        difference = np.linalg.norm(step[first] - step[second], axis=1)
        distance = np.linalg.norm(at[first, frame] - at[second, frame], axis=1)
        both = ~np.isnan(difference)
        largest[both] = np.maximum(largest[both], (difference - STRAIN * distance)[both])
        common += both
    return np.minimum(largest, MAX_DIFFERENCE_PX), common


def _link_clusters(count: int, first: Indices, second: Indices, distance: Floats32) -> Indices:
    """(count,) a representative of the cluster of each; the closest two clusters are merged until none is close."""
    borders: list[_BorderSums] = [{} for _ in range(count)]
    heap: list[tuple[float, int, int]] = []
    for one, other, value in zip(first.tolist(), second.tolist(), distance.tolist(), strict=True):
        borders[one][other] = borders[other][one] = (value, 1)
        if value < MAX_LINKAGE_PX:
            heap.append((value, one, other))
    heapq.heapify(heap)
    parent = list(range(count))
    while heap:
        value, one, other = heapq.heappop(heap)
        total, pairs = borders[one].get(other, (np.inf, 1))
        if total / pairs != value:  # the border has changed since this entry
            continue
        if len(borders[one]) < len(borders[other]):
            one, other = other, one
        parent[other] = one
        _merge_borders(borders, one, other, heap)
    return np.array([_find_root(parent, n) for n in range(count)], np.intp)


def _merge_borders(borders: list[_BorderSums], one: int, other: int, heap: list[tuple[float, int, int]]) -> None:
    """Move the borders of cluster `other` to cluster `one`."""
    del borders[one][other]
    for near, (total, pairs) in borders[other].items():
        if near == one:
            continue
        del borders[near][other]
        previous = borders[one].get(near, (0.0, 0))
        both = previous[0] + total, previous[1] + pairs
        borders[one][near] = borders[near][one] = both
        if both[0] / both[1] < MAX_LINKAGE_PX:
            heapq.heappush(heap, (both[0] / both[1], min(one, near), max(one, near)))
    borders[other] = {}


def _find_root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        number = parent[number]
    return number
