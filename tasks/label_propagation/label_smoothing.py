"""What hangs together in space and time is told together: along the flow a point stays what it is, and what moves as
one is one thing.

The consistency of the field in closed form: evidence is passed on, as far as ties (ties.py) and steps (step.py) may be
trusted, among the pixels of a frame and then ahead and back through time (the two sweeps of a smoother over a chain,
Rauch, Tung and Striebel, AIAA Journal 3, 1965, with trust for the gain). A point that no labelled frame leads to so
hears those that it moved with, in its own frame and in others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import LabelMap
from tasks.label_propagation.edge_affinity import compute_pixel_affinity
from tasks.label_propagation.evidence import Votes
from tasks.label_propagation.propagation_config import PropagationConfig
from tasks.sequence.backward_warp import BackwardWarpCache
from tasks.sequence.label_map import encode_one_hot

FADING = np.float32(0.9)  # of what is passed on, per frame: ten frames away it is a third
GIVEN = 100.0  # say of a label that was given, against 1 of a trusted hypothesis
VoteMass = NDArray[np.float16]
"""(h, w, c + 2) votes, their total, and how many pixels' votes these are."""


def smooth_labels(
    steps: BackwardWarpCache,
    how: PropagationConfig,
    votes: Callable[[int], Votes | None],
    labels: Mapping[int, LabelMap],
    classes: int,
) -> list[Votes | None]:
    """The votes on each frame after hearing what hangs together with it."""
    masses = [_begun(votes(frame), labels.get(frame), classes) for frame in range(steps.clip.length)]
    # With one labelled frame nothing holds what leaks over an edge in check, and a second round lets it grow.
    for _ in range(how.rounds if len(labels) > 1 else 1):
        if how.coherence:
            masses = [None if mass is None else _in_space(steps, n, mass) for n, mass in enumerate(masses)]
        if how.consistency:
            masses = _in_time(steps, masses)
    return [None if mass is None else _votes(mass.astype(np.float32)) for mass in masses]


def _begun(votes: Votes | None, known: LabelMap | None, classes: int) -> VoteMass | None:
    """A frame's own votes, given labels among them, of one pixel each."""
    if votes is None and known is None:
        return None
    parts = [] if votes is None else [np.concatenate([votes.votes, votes.total[..., None]], axis=-1)]
    if known is not None:
        given = np.float32(GIVEN) * encode_one_hot(known, classes)
        parts.append(np.concatenate([given, given.sum(axis=-1, keepdims=True)], axis=-1))
    own = sum(parts[1:], parts[0])
    return np.concatenate([own, np.ones_like(own[..., :1])], axis=-1).astype(np.float16)


def _in_space(steps: BackwardWarpCache, frame: int, mass: VoteMass) -> VoteMass:
    """A pixel's own votes and the mean of those tied to it, half and half."""
    own = mass.astype(np.float32)
    heard = compute_pixel_affinity(steps, frame).summed(
        np.concatenate([own, np.ones((*own.shape[:2], 1), np.float32)], axis=-1)
    )
    return ((own + heard[..., :-1] / heard[..., -1:]) / 2).astype(np.float16)


def _in_time(steps: BackwardWarpCache, masses: list[VoteMass | None]) -> list[VoteMass | None]:
    """A pixel's votes and those of its point in other frames; divided by as much as there can be at most."""
    heard = [None if own is None else own.copy() for own in masses]
    for way in (1, -1):
        before: NDArray[np.float32] | None = None
        for frame in range(len(masses))[::way]:
            own, total = masses[frame], heard[frame]
            if own is None or total is None:
                before = None
                continue
            step = steps.back(frame, frame - way) if before is not None else None
            whole = own.astype(np.float32)
            if before is not None and step is not None:
                passed = FADING * step.trust[..., None] * step.take(before)
                whole += passed
                total += passed.astype(np.float16)
            before = whole
    most = np.float16((1 + FADING) / (1 - FADING))
    return [None if total is None else total / most for total in heard]


def _votes(mass: NDArray[np.float32]) -> Votes:
    """The mean evidence of what hangs together."""
    mean = mass[..., :-1] / np.maximum(mass[..., -1:], np.float32(np.finfo(np.float16).tiny))
    mean = mean.astype(np.float32)
    return Votes(mean[..., :-1], mean[..., -1])
