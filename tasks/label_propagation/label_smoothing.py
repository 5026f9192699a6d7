"""Spatio-temporal smoothing of per-pixel class votes: within a frame between pixels of similar motion, over time along
the flow.

1. Initial votes: those of the propagation passes, plus the given labels with a large weight.
2. Spatial: an edge-aware recursive filter by pixel affinity (edge_affinity.py), averaged with the pixel's own votes.
3. Temporal: a forward and a backward recursion along the optical flow, as in a fixed-interval smoother (Rauch, Tung and
   Striebel, AIAA Journal 3, 1965), with the confidence of the backward warp for the gain.

Steps 2 and 3 alternate. Thus a pixel without flow to any labelled frame receives votes from pixels that move with it,
in its own frame and in others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import LabelMap
from tasks.label_propagation.edge_affinity import compute_pixel_affinity
from tasks.label_propagation.evidence import Votes
from tasks.label_propagation.propagation_config import PropagationConfig
from tasks.sequence.label_map import encode_one_hot
from tasks.sequence.warp_cache import BackwardWarpCache

TEMPORAL_DECAY = np.float32(0.9)  # of votes passed on, per frame: a third is left after ten frames
LABEL_WEIGHT = 100.0  # of a given label, against 1 of a hypothesis of full confidence
VoteMass = NDArray[np.float16]
"""(h, w, c + 2) votes, the sum of their weights (Votes.total), and the number of pixels that contributed."""


def smooth_labels(
    warps: BackwardWarpCache,
    config: PropagationConfig,
    votes: Callable[[int], Votes | None],
    labels: Mapping[int, LabelMap],
    classes: int,
) -> list[Votes | None]:
    """The smoothed votes of each frame; `labels` are the given (h, w) labels by frame."""
    masses = [_initial_mass(votes(frame), labels.get(frame), classes) for frame in range(warps.view.length)]
    # With one labelled frame nothing stops votes that leak across an edge, and a second round amplifies them.
    for _ in range(config.smoothing_rounds if len(labels) > 1 else 1):
        if config.spatial_smoothing:
            masses = [None if mass is None else _smooth_in_space(warps, n, mass) for n, mass in enumerate(masses)]
        if config.temporal_smoothing:
            masses = _smooth_in_time(warps, masses)
    return [None if mass is None else _normalise_mass(mass.astype(np.float32)) for mass in masses]


def _initial_mass(votes: Votes | None, labels: LabelMap | None, classes: int) -> VoteMass | None:
    """A frame's own votes plus LABEL_WEIGHT times its one-hot labels; each from one pixel."""
    if votes is None and labels is None:
        return None
    parts = [] if votes is None else [np.concatenate([votes.votes, votes.total[..., None]], axis=-1)]
    if labels is not None:
        one_hot = np.float32(LABEL_WEIGHT) * encode_one_hot(labels, classes)
        parts.append(np.concatenate([one_hot, one_hot.sum(axis=-1, keepdims=True)], axis=-1))
    mass = sum(parts[1:], parts[0])
    return np.concatenate([mass, np.ones_like(mass[..., :1])], axis=-1).astype(np.float16)


def _smooth_in_space(warps: BackwardWarpCache, frame: int, mass: VoteMass) -> VoteMass:
    """The mean of a pixel's own votes and the affinity-weighted mean of its neighbourhood."""
    own = mass.astype(np.float32)
    affinity = compute_pixel_affinity(warps, frame)
    neighbour_sum = affinity.sum_neighbours(np.concatenate([own, np.ones((*own.shape[:2], 1), np.float32)], axis=-1))
    return ((own + neighbour_sum[..., :-1] / neighbour_sum[..., -1:]) / 2).astype(np.float16)


def _smooth_in_time(warps: BackwardWarpCache, masses: list[VoteMass | None]) -> list[VoteMass | None]:
    """A pixel's votes plus those of the same scene point in all other frames, weighted by TEMPORAL_DECAY per frame.

    Divided by the sum of the weights over infinitely many frames in both directions, which keeps float16 in range.
    """
    totals = [None if own is None else own.copy() for own in masses]
    for direction in (1, -1):
        before: NDArray[np.float32] | None = None
        for frame in range(len(masses))[::direction]:
            own, total = masses[frame], totals[frame]
            if own is None or total is None:
                before = None
                continue
            warp = warps.get_warp(frame, frame - direction) if before is not None else None
            accumulated = own.astype(np.float32)
            if before is not None and warp is not None:
                passed = TEMPORAL_DECAY * warp.trust[..., None] * warp.warp_values(before)
                accumulated += passed
                total += passed.astype(np.float16)
            before = accumulated
    largest = np.float16((1 + TEMPORAL_DECAY) / (1 - TEMPORAL_DECAY))
    return [None if total is None else total / largest for total in totals]


def _normalise_mass(mass: NDArray[np.float32]) -> Votes:
    """The mean votes per contributing pixel, as Votes."""
    mean = mass[..., :-1] / np.maximum(mass[..., -1:], np.float32(np.finfo(np.float16).tiny))
    mean = mean.astype(np.float32)
    return Votes(mean[..., :-1], mean[..., -1])
