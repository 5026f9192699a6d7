"""Points that move as one: trajectories grouped by how far they ever part.

Brox and Malik, "Object Segmentation by Long Term Analysis of Point Trajectories" (ECCV 2010): two neighbours that
differ in motion in any frame belong to different things, however alike they move in all others; so the largest
difference over time counts (their eq. 1). Differences: instead of spectral clustering, groups grow by average linkage
over neighbours (Sokal and Michener, 1958, on a graph), which needs no number of groups and heals single wrong links;
and a difference that turning or stretching explains is forgiven with distance.
"""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.motion_layers.point_trajectories import STRIDE_PX, Trajectories

REACH_PX = 1.5 * STRIDE_PX  # of neighbours: the four and the diagonal ones
APART_PX = 0.7  # per frame, between neighbours of two things: three times DIS's mean error on Middlebury
STRAIN = 0.12  # px per frame and px of distance, that turning may cause: 7 degrees from one frame to the next
LEAST_COMMON = 2  # steps that two trajectories must have in common to be compared
MOST_PX = 4.0  # a difference beyond it says no more

ClusterLabels = NDArray[np.intp]
"""(n,) the group of each trajectory, numbered from 0."""
_Sums = dict[int, tuple[float, int]]
"""Neighbouring group to the sum of differences along their border, and how many."""


def cluster_trajectories(at: Trajectories) -> ClusterLabels:
    """Groups of trajectories; a trajectory that has no comparable neighbour is one by itself."""
    first, second = _neighbours(at)
    apart, common = _apart(at, first, second)
    known = common >= LEAST_COMMON
    root = _linked(len(at), first[known], second[known], apart[known])
    return np.unique(root, return_inverse=True)[1].astype(np.intp)


def _neighbours(at: Trajectories) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of trajectories that are neighbours in any frame, each once."""
    from scipy.spatial import KDTree

    pairs = [np.zeros((0, 2), np.intp)]
    for frame in range(at.shape[1]):
        live = np.flatnonzero(~np.isnan(at[:, frame, 0]))
        if len(live):
            near: Any = KDTree(at[live, frame]).query_pairs(REACH_PX, output_type="ndarray")
            pairs.append(np.sort(live[near], axis=1))
    code = np.concatenate(pairs)
    found = np.unique(code[:, 0] * len(at) + code[:, 1])
    return (found // len(at)).astype(np.intp), (found % len(at)).astype(np.intp)


def _apart(
    at: Trajectories, first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Largest difference of motion of each pair, px per frame, and the steps that both make."""
    largest = np.full(len(first), -np.inf, np.float32)
    common = np.zeros(len(first), np.intp)
    for frame in range(at.shape[1] - 1):
        step = at[:, frame + 1] - at[:, frame]
        differs = np.linalg.norm(step[first] - step[second], axis=1)
        distance = np.linalg.norm(at[first, frame] - at[second, frame], axis=1)
        both = ~np.isnan(differs)
        largest[both] = np.maximum(largest[both], (differs - STRAIN * distance)[both])
        common += both
    return np.minimum(largest, MOST_PX), common


def _linked(
    count: int, first: NDArray[np.intp], second: NDArray[np.intp], apart: NDArray[np.float32]
) -> NDArray[np.intp]:
    """(count,) a member that stands for the group of each, after the closest two have been joined again and again."""
    borders: list[_Sums] = [{} for _ in range(count)]
    heap: list[tuple[float, int, int]] = []
    for one, other, value in zip(first.tolist(), second.tolist(), apart.tolist(), strict=True):
        borders[one][other] = borders[other][one] = (value, 1)
        if value < APART_PX:
            heap.append((value, one, other))
    heapq.heapify(heap)
    parent = list(range(count))
    while heap:
        value, one, other = heapq.heappop(heap)
        total, pairs = borders[one].get(other, (np.inf, 1))
        if total / pairs != value:  # the border has changed since
            continue
        if len(borders[one]) < len(borders[other]):
            one, other = other, one
        parent[other] = one
        _join(borders, one, other, heap)
    return np.array([_root(parent, n) for n in range(count)], np.intp)


def _join(borders: list[_Sums], one: int, other: int, heap: list[tuple[float, int, int]]) -> None:
    """Hand the borders of `other` over to `one`."""
    del borders[one][other]
    for near, (total, pairs) in borders[other].items():
        if near == one:
            continue
        del borders[near][other]
        held = borders[one].get(near, (0.0, 0))
        both = held[0] + total, held[1] + pairs
        borders[one][near] = borders[near][one] = both
        if both[0] / both[1] < APART_PX:
            heapq.heappush(heap, (both[0] / both[1], min(one, near), max(one, near)))
    borders[other] = {}


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        number = parent[number]
    return number
