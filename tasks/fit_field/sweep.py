"""One way through the clip, from the labelled frames on: the evidence for every frame it passes.

A sweep forwards tells each frame what came before it, a sweep backwards what comes after; what the frame is, is asked
of both (complete.py). Only the frames seen last are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.fit_field.clip import Clip, Soft
from tasks.fit_field.context import Context, Seen, Vectors
from tasks.fit_field.evidence import Evidence
from tasks.fit_field.how import How
from tasks.fit_field.labels import Labels, on_cells, on_pixels, shares_of
from tasks.fit_field.likeness import Likeness
from tasks.fit_field.trail import Trail, step_trust
from tasks.geometry.warp import warp

Anchor = Callable[[int, Soft], tuple[Soft, Soft | None]]
"""Frame and its (h, w, c) shares to the shares with instance masks, and those of what masks replace, to be fed back."""


@dataclass(frozen=True)
class Task:
    """What is asked of a clip."""

    clip: Clip
    labels: Mapping[int, Labels]
    classes: int
    how: How
    attention: NDArray[np.float32]
    """(kinds,)."""
    anchor: Anchor | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """What was learned on the way here."""


@dataclass
class _State:
    """What a sweep carries from frame to frame."""

    frame: int
    shares: Soft
    trails: dict[int, Trail]


def sweep(task: Task, frames: Sequence[int], context: Context) -> Iterator[tuple[int, Evidence]]:
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
            known = shares_of(task.labels[frame], task.classes)
            trails = {} if state is None else state.trails
            begun = {frame: Trail.begun(clip.height, clip.width)}
            near = dict(sorted(trails.items(), key=lambda item: abs(item[0] - frame))[: task.how.labelled - 1])
            carried = known if state is None else known + state.shares * (1 - known.sum(axis=-1, keepdims=True))
            state = _State(frame, carried, begun | near)


def _gathered(task: Task, state: _State, frame: int, vectors: Vectors, context: Context) -> tuple[Evidence, _State]:
    """The evidence for `frame`, which follows that of `state`, and the state after it."""
    clip, how = task.clip, task.how
    evidence = Evidence.none(clip.height, clip.width, task.classes)
    heard, best = context.heard(frame, vectors)
    sure = np.ones((clip.height, clip.width), np.float32)
    if how.semantic:
        evidence.add("semantic", on_pixels(heard, clip.cells, clip.height, clip.width), sure)
    # What looks alone say is heard only where labelled frames can check it against each other (attention.py).
    if how.named and not how.single and len(task.labels) > 1:
        shares = on_pixels(context.named(frame, vectors), clip.cells, clip.height, clip.width)
        evidence.add("named", shares, how.named_weight * sure)
    motion = clip.step(state.frame, frame) if abs(frame - state.frame) == 1 else None
    trails = {} if motion is None else {f: trail.moved(motion, how.density) for f, trail in state.trails.items()}
    if motion is not None and how.previous:
        carried = warp(state.shares, motion.backward).reshape(state.shares.shape)
        evidence.add("previous", carried, how.previous_weight * step_trust(motion, how.density))
    if not how.single:
        alike = Likeness(clip, vectors, best, context.temperature)
        for kind, weight, found in _tracked(task, frame, state.frame, trails):
            for source, trail in found.items():
                known = shares_of(task.labels[source], task.classes)
                evidence.add(kind, trail.take(known), weight * trail.trust * alike.along(source, trail))
    shares, fed = evidence.summed(task.attention).shares, None
    if task.anchor is not None:
        shares, fed = task.anchor(frame, shares)
    if frame not in task.labels:
        context.remember(Seen(frame, vectors, heard if fed is None else on_cells(fed, clip.cells)))
    return evidence, _State(frame, shares, trails)


def _tracked(
    task: Task, frame: int, before: int, trails: Mapping[int, Trail]
) -> Iterator[tuple[str, float, Mapping[int, Trail]]]:
    """(kind, weight, trails to labelled frames) of the hypotheses that lead to a place in a labelled frame."""
    if task.how.chained:
        yield "chained", task.how.chained_weight, trails
    if task.how.direct and task.clip.direct is not None:
        yield "direct", task.how.direct_weight, _skips(task, frame, before)


def _skips(task: Task, frame: int, before: int) -> dict[int, Trail]:
    """Trails to the labelled frames behind by a flow that skips those between; `before` is the frame one came from."""
    clip, how = task.clip, task.how
    assert clip.direct is not None
    behind = sorted((f for f in task.labels if (f - frame) * (before - frame) > 0), key=lambda f: abs(f - frame))
    skips = {source: clip.direct(frame, source) for source in behind[: how.labelled]}
    here = Trail.begun(clip.height, clip.width).at
    # Without the opacity prior what a nearer thing hides there has its say too.
    return {
        source: Trail(here + skip[0], skip[1].astype(np.float32) if how.density else np.ones_like(here[..., 0]))
        for source, skip in skips.items()
        if skip is not None
    }
