"""One way through the clip, from the labelled frames on: the evidence for every frame it passes.

A sweep forwards tells each frame what came before it, a sweep backwards what comes after; what the frame is, is asked
of both (complete.py). Only the frames seen last are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.fit_field.clip import Clip, Motion, Soft
from tasks.fit_field.context import Context, Seen
from tasks.fit_field.evidence import Evidence
from tasks.fit_field.how import How
from tasks.fit_field.labels import Labels, on_cells, on_pixels, shares_of
from tasks.fit_field.trail import Trail, step_trust
from tasks.geometry.grid import unit
from tasks.geometry.raster import pixels_of
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


@dataclass
class _State:
    """What a sweep carries from frame to frame."""

    frame: int
    shares: Soft
    trails: dict[int, Trail]


def sweep(task: Task, frames: Sequence[int], context: Context) -> Iterator[tuple[int, Evidence | None]]:
    """Evidence for each of `frames`, neighbours all, from the first labelled one on; None for missing frames.

    A labelled frame's own label is no part of its evidence.
    """
    clip, state = task.clip, None
    for frame in frames:
        vectors = clip.grids(frame)
        if state is None and frame not in task.labels:
            continue
        if vectors is None:
            yield frame, None
            state = None if state is None else _State(frame, state.shares, {})
            continue
        evidence = Evidence.none(clip.height, clip.width, task.classes)
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


def _gathered(
    task: Task, state: _State, frame: int, vectors: NDArray[np.float32], context: Context
) -> tuple[Evidence, _State]:
    """The evidence for `frame`, which follows that of `state`, and the state after it."""
    clip, how = task.clip, task.how
    evidence = Evidence.none(clip.height, clip.width, task.classes)
    heard, best = None, np.ones(vectors.shape[:2], np.float32)
    if how.semantic:
        heard, best = context.heard(frame, vectors)
        evidence.add("semantic", on_pixels(heard, clip.cells, clip.height, clip.width), _ones(clip))
    if how.recalled and not how.single:
        recalled = on_pixels(context.recalled(frame, vectors), clip.cells, clip.height, clip.width)
        evidence.add("recalled", recalled, how.recalled_weight * _ones(clip))
    motion = clip.step(state.frame, frame) if abs(frame - state.frame) == 1 else None
    trails = {} if motion is None else {f: trail.moved(motion, how.density) for f, trail in state.trails.items()}
    if motion is not None and how.previous:
        evidence.add("previous", warp_shares(state.shares, motion), how.previous_weight * step_trust(motion, how.density))
    if how.chained and not how.single:
        for source, trail in trails.items():
            weight = how.chained_weight * trail.trust * likeness(clip, vectors, source, trail, best, context.temperature)
            evidence.add("chained", trail.take(shares_of(task.labels[source], task.classes)), weight)
    if how.direct and not how.single and clip.direct is not None:
        _skip(task, frame, vectors, best, context, state, evidence)
    shares = evidence.mixed(task.attention)
    fed = None
    if task.anchor is not None:
        shares, fed = task.anchor(frame, shares)
    if frame not in task.labels and heard is not None:
        grid = heard if fed is None else on_cells(fed, clip.cells)
        context.remember(Seen(frame, vectors, grid))
    return evidence, _State(frame, shares, trails)


def _skip(task: Task, frame: int, vectors: NDArray[np.float32], best: NDArray[np.float32], context: Context, state: _State, evidence: Evidence) -> None:
    """Add what labelled frames behind say by a flow that skips the frames between."""
    clip, how = task.clip, task.how
    assert clip.direct is not None
    behind = [f for f in task.labels if (f - frame) * (state.frame - frame) > 0]
    for source in sorted(behind, key=lambda f: abs(f - frame))[: how.labelled]:
        found = clip.direct(frame, source)
        if found is None:
            continue
        flow, valid = found
        trail = Trail(Trail.begun(clip.height, clip.width).at + flow, valid.astype(np.float32))
        if not how.density:
            trail = Trail(trail.at, np.ones_like(trail.trust))
        weight = how.direct_weight * trail.trust * likeness(clip, vectors, source, trail, best, context.temperature)
        evidence.add("direct", trail.take(shares_of(task.labels[source], task.classes)), weight)


def likeness(
    clip: Clip, vectors: NDArray[np.float32], source: int, trail: Trail, best: NDArray[np.float32], temperature: float
) -> NDArray[np.float32]:
    """(h, w) how alike each pixel and the place of its trail in the frame `source` look, against its `best` match.

    The softmax that semantic matches compete in: 1 where it is as alike as the best one, 1/e where by a temperature
    less.
    """
    there = clip.grids(source)
    if there is None:
        return np.zeros(trail.trust.shape, np.float32)
    cells = clip.cells
    at = cells.centres()
    columns, rows = np.clip(np.rint(at[..., 0]), 0, clip.width - 1), np.clip(np.rint(at[..., 1]), 0, clip.height - 1)
    places = cells.to_cells(trail.at[rows.astype(int), columns.astype(int)])
    x = np.clip(np.rint(places[..., 0]), 0, cells.columns - 1).astype(int)
    y = np.clip(np.rint(places[..., 1]), 0, cells.rows - 1).astype(int)
    cosine = (unit(vectors) * unit(np.asarray(there)[y, x])).sum(axis=-1)
    return pixels_of(np.exp(np.minimum(cosine - best, 0) / np.float32(temperature)).astype(np.float32), cells, clip.height, clip.width)


def warp_shares(shares: Soft, motion: Motion) -> Soft:
    """(h, w, c) shares of the earlier frame on the later one."""
    return warp(shares, motion.backward).reshape(shares.shape)


def _ones(clip: Clip) -> NDArray[np.float32]:
    return np.ones((clip.height, clip.width), np.float32)
