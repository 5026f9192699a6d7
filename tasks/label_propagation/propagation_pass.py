"""One way through the clip, from the labelled frames on: the evidence for every frame it passes.

A sweep forwards tells each frame what came before it, a sweep backwards what comes after; what the frame is, is asked
of both (complete.py). Only the frames seen last are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, LabelMap, Vectors
from tasks.label_propagation.evidence import Evidence
from tasks.label_propagation.feature_similarity import FeatureSimilarity
from tasks.label_propagation.memory_bank import MemoryBank, MemoryFrame
from tasks.label_propagation.propagation_config import PropagationConfig
from tasks.sequence.backward_warp import BackwardWarpCache
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.label_map import encode_one_hot, pool_to_cells, upsample_to_pixels
from tasks.sequence.sequence_view import SequenceView

THROUGH = 2  # labelled frames looked for through the volume, which is walked step by step: far ones cost most

RefineLabels = Callable[[int, ClassProbabilities], tuple[ClassProbabilities, ClassProbabilities | None]]
"""Frame and its (h, w, c) shares to the shares with instance masks, and those of what masks replace, to be fed back."""


@dataclass(frozen=True)
class PropagationTask:
    """What is asked of a clip."""

    clip: SequenceView
    labels: Mapping[int, LabelMap]
    classes: int
    how: PropagationConfig
    attention: NDArray[np.float32]
    """(kinds,)."""
    steps: BackwardWarpCache
    anchor: RefineLabels | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """What was learned on the way here."""


@dataclass
class _State:
    """What a sweep carries from frame to frame."""

    frame: int
    shares: ClassProbabilities
    trails: dict[int, WarpField]


def run_propagation_pass(
    task: PropagationTask, frames: Sequence[int], context: MemoryBank
) -> Iterator[tuple[int, Evidence]]:
    """Evidence for each of `frames`, neighbours all, from the first labelled one on; missing ones are left out.

    A labelled frame's own label is no part of its evidence.
    """
    clip, state = task.clip, None
    for frame in frames:
        vectors = clip.grids(frame)
        if state is None and frame not in task.labels:
            continue
        if vectors is None:
            state = None if state is None else _State(frame, state.shares, {})
            continue
        if state is not None:
            evidence, state = _gathered(task, state, frame, np.asarray(vectors, np.float32), context)
            yield frame, evidence
        if frame in task.labels:
            known = encode_one_hot(task.labels[frame], task.classes)
            trails = {} if state is None else state.trails
            begun = {frame: WarpField.begun(clip.height, clip.width)}
            near = dict(sorted(trails.items(), key=lambda item: abs(item[0] - frame))[: task.how.labelled - 1])
            carried = known if state is None else known + state.shares * (1 - known.sum(axis=-1, keepdims=True))
            state = _State(frame, carried, begun | near)


def _gathered(
    task: PropagationTask, state: _State, frame: int, vectors: Vectors, context: MemoryBank
) -> tuple[Evidence, _State]:
    """The evidence for `frame`, which follows that of `state`, and the state after it."""
    clip, how = task.clip, task.how
    evidence = Evidence.none(clip.height, clip.width, task.classes)
    heard, best = context.heard(frame, vectors)
    sure = np.ones((clip.height, clip.width), np.float32)
    if how.semantic:
        evidence.add("semantic", upsample_to_pixels(heard, clip.cells, clip.height, clip.width), sure)
    # What looks alone say is heard only where labelled frames can check it against each other (attention.py).
    if how.named and not how.single and len(task.labels) > 1:
        shares = upsample_to_pixels(context.named(frame, vectors), clip.cells, clip.height, clip.width)
        evidence.add("named", shares, how.named_weight * sure)
    step = task.steps.back(frame, state.frame) if abs(frame - state.frame) == 1 else None
    trails = {} if step is None else {f: trail.moved(step) for f, trail in state.trails.items()}
    if step is not None and how.previous:
        evidence.add("previous", step.take(state.shares), how.previous_weight * step.trust)
    if not how.single:
        alike = FeatureSimilarity(clip, vectors, best, context.temperature)
        for kind, weight, source, trail in _tracked(task, frame, state.frame, trails):
            known = encode_one_hot(task.labels[source], task.classes)
            evidence.add(kind, trail.take(known), weight * trail.trust * alike.along(source, trail))
    shares, fed = evidence.summed(task.attention).shares, None
    if task.anchor is not None:
        shares, fed = task.anchor(frame, shares)
    if frame not in task.labels:
        context.remember(MemoryFrame(frame, vectors, heard if fed is None else pool_to_cells(fed, clip.cells)))
    return evidence, _State(frame, shares, trails)


def _tracked(
    task: PropagationTask, frame: int, before: int, trails: Mapping[int, WarpField]
) -> Iterator[tuple[str, float, int, WarpField]]:
    """(kind, weight, labelled frame, trail there) of the hypotheses that lead to a place in a labelled frame."""
    if task.how.chained:
        yield from (("chained", task.how.chained_weight, *found) for found in trails.items())
    if task.how.direct:
        yield from (("direct", task.how.direct_weight, *found) for found in _skips(task, frame, before))
    if task.how.volume and task.clip.through is not None:
        for source in _behind(task, frame, before)[:THROUGH]:
            found = task.clip.through(frame, source)
            if found is not None:
                yield "volume", task.how.volume_weight, source, found


def _skips(task: PropagationTask, frame: int, before: int) -> Iterator[tuple[int, WarpField]]:
    """Trails to the labelled frames behind by a flow that skips those between; `before` is the frame one came from."""
    clip, how = task.clip, task.how
    here = WarpField.begun(clip.height, clip.width).at
    for source in _behind(task, frame, before):
        skip = None if clip.direct is None else clip.direct(frame, source)
        if skip is not None:
            # Without the opacity prior what a nearer thing hides there has its say too.
            trust = skip[1].astype(np.float32) if how.density else np.ones_like(here[..., 0])
            yield source, WarpField(here + skip[0], trust)


def _behind(task: PropagationTask, frame: int, before: int) -> list[int]:
    """The labelled frames that lie on the side of the frame `before`, the nearest first."""
    behind = sorted((f for f in task.labels if (f - frame) * (before - frame) > 0), key=lambda f: abs(f - frame))
    return behind[: task.how.labelled]
