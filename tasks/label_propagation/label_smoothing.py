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
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import LabelMap
from tasks.label_propagation.edge_affinity import PixelAffinity, compute_pixel_affinity
from tasks.label_propagation.evidence import Votes
from tasks.label_propagation.propagation_config import PropagationConfig
from tasks.sequence.label_map import encode_one_hot, weigh_classes
from tasks.sequence.warp_cache import BackwardWarpCache

TEMPORAL_DECAY = np.float32(0.9)  # of votes passed on, per frame: a third is left after ten frames
LABEL_WEIGHT = 100.0  # of a given label, against 1 of a hypothesis of full confidence
VoteMass = NDArray[np.float32]
"""(h, w, c + 1) votes, and the number of pixels that contributed."""


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
    affinity = lru_cache(maxsize=None)(partial(compute_pixel_affinity, warps))
    for _ in range(config.smoothing_rounds if len(labels) > 1 else 1):
        if config.spatial_smoothing:
            masses = [None if mass is None else _smooth_in_space(affinity(n), mass) for n, mass in enumerate(masses)]
        if config.temporal_smoothing:
            masses = _smooth_in_time(warps, masses)
    return [None if mass is None else _normalise_mass(mass) for mass in masses]


def _initial_mass(votes: Votes | None, labels: LabelMap | None, classes: int) -> VoteMass | None:
    """A frame's own votes plus LABEL_WEIGHT times its one-hot labels; each from one pixel."""
    if votes is None and labels is None:
        return None
    known = None if labels is None else np.float32(LABEL_WEIGHT) * encode_one_hot(labels, classes)
    own = [part for part in (None if votes is None else votes.votes, known) if part is not None]
    return np.concatenate([sum(own[1:], own[0]), np.ones((*own[0].shape[:2], 1), np.float32)], axis=-1)


def _smooth_in_space(affinity: PixelAffinity, mass: VoteMass) -> VoteMass:
    """The mean of a pixel's own votes and the affinity-weighted mean of its neighbourhood."""
    neighbour_sum = affinity.sum_neighbours(np.concatenate([mass, np.ones((*mass.shape[:2], 1), np.float32)], axis=-1))
    mean = weigh_classes(neighbour_sum[..., :-1], np.reciprocal(neighbour_sum[..., -1]))
    mean += mass
    mean /= 2
    return mean


def _smooth_in_time(warps: BackwardWarpCache, masses: list[VoteMass | None]) -> list[VoteMass | None]:
    """A pixel's votes plus those of the same scene point in all other frames, weighted by TEMPORAL_DECAY per frame.

    Divided by the sum of the weights over infinitely many frames in both directions.
    """
    totals = [None if own is None else own.copy() for own in masses]
    for direction in (1, -1):
        before: VoteMass | None = None
        for frame in range(len(masses))[::direction]:
            own, total = masses[frame], totals[frame]
            if own is None or total is None:
                before = None
                continue
            warp = warps.get_warp(frame, frame - direction) if before is not None else None
            if before is None or warp is None:
                before = own
                continue
            passed = weigh_classes(warp.warp_values(before), TEMPORAL_DECAY * warp.trust)
            total += passed
            before = passed + own
    largest = (1 + TEMPORAL_DECAY) / (1 - TEMPORAL_DECAY)
    for total in totals:
        if total is not None:
            np.divide(total, largest, out=total)
    return totals


def _normalise_mass(mass: NDArray[np.float32]) -> Votes:
    """The mean votes per contributing pixel, as Votes."""
    count = np.maximum(mass[..., -1], np.finfo(np.float32).tiny)
    return Votes(weigh_classes(mass[..., :-1], np.reciprocal(count)))
