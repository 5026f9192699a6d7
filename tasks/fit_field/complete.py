"""From labels on a few frames to all frames: the semantics of the field.

The evidence of a sweep forwards and one backwards is added up (evidence.py), its kinds weighed by attention
(attention.py), and the shares of neighbouring frames are drawn together along the flow (agree.py). Labelled frames
keep their labels.

After Tian et al., "Semantic Flow: Learning Semantic Fields of Dynamic Scenes from Monocular Videos" (2024): semantics
from what is gathered along a point's way, weighed by opacity and by attention. Difference: tokens are hypotheses that
carry labels, not features for a network that a few labels would have to train; a free network per clip overfits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from tasks.fit_field.agree import agreed
from tasks.fit_field.attention import EVEN, learned
from tasks.fit_field.clip import Clip, Soft
from tasks.fit_field.context import Context, Seen, spread
from tasks.fit_field.evidence import Evidence
from tasks.fit_field.how import DEFAULT, How
from tasks.fit_field.labels import Labels, on_cells, shares_of
from tasks.fit_field.sweep import Anchor, Task, sweep


@dataclass(frozen=True, eq=False)
class LabelMap:
    """What each pixel of a frame is."""

    label: Labels
    """(h, w) the class with the largest share."""
    confidence: NDArray[np.float32]
    """(h, w) its lead over the second, times how much evidence there is; 0..1."""
    soft: Soft
    """(h, w, c) shares."""


def complete(
    clip: Clip,
    labels: Mapping[int, Labels],
    class_count: int,
    how: How = DEFAULT,
    anchor: Anchor | None = None,
) -> list[LabelMap | None]:
    """A label map for each frame of `clip`, from (h, w) `labels` of some; None for missing frames, and without labels.

    Classes are 0..class_count-1. With one labelled frame the future is not looked at, and the past not from there.
    """
    task = Task(clip, labels, class_count, how, attend(clip, labels, class_count, how), anchor)
    found = evidence_of(task)
    maps = [None if evidence is None else evidence.mixed(task.attention) for evidence in found]
    strength = [None if evidence is None else evidence.strength(task.attention) for evidence in found]
    return [*finished(task, maps, strength)]


def attend(clip: Clip, labels: Mapping[int, Labels], classes: int, how: How) -> NDArray[np.float32]:
    """(kinds,) weights: even, or where several frames are labelled, as each is best foretold from the others."""
    if not how.attention or len(labels) < 2:
        return EVEN
    trials: list[tuple[Evidence, Labels]] = []
    for held in labels:
        others = {frame: known for frame, known in labels.items() if frame != held}
        task = Task(clip, others, classes, how, EVEN)
        evidence = evidence_of(task, [held])[held]
        if evidence is not None:
            trials.append((evidence, labels[held]))
    return learned(trials)


def evidence_of(task: Task, wanted: Sequence[int] | None = None) -> list[Evidence | None]:
    """Evidence of both sweeps for every frame (or the `wanted` ones), None where there is none."""
    wanted = range(task.clip.length) if wanted is None else wanted
    found: list[Evidence | None] = [None] * task.clip.length
    if not task.labels:
        return found
    begun = _labelled(task)
    if not begun:
        return found
    temperature = task.how.temperature * spread(np.stack([seen().vectors for seen in begun.values()]))
    ways: list[Sequence[int]] = []
    if max(wanted) > min(task.labels):
        ways.append(range(min(task.labels), max(wanted) + 1))
    if min(wanted) < max(task.labels):
        ways.append(range(max(task.labels), min(wanted) - 1, -1))
    for frames in ways:
        for frame, evidence in sweep(task, frames, Context(begun, task.how, temperature)):
            if evidence is not None and frame in wanted:
                before = found[frame]
                found[frame] = evidence if before is None else before + evidence
    return found


def finished(
    task: Task, maps: Sequence[Soft | None], strength: Sequence[NDArray[np.float32] | None]
) -> Iterator[LabelMap | None]:
    """Label maps from the shares of all frames."""
    known = {frame: shares_of(labels, task.classes) for frame, labels in task.labels.items()}
    joined = list(maps)
    for frame, shares in known.items():
        free = 1 - shares.sum(axis=-1, keepdims=True)
        other = maps[frame]
        joined[frame] = shares + free * (other if other is not None else np.float32(1 / task.classes))
    if task.how.consistency:
        joined = agreed(task.clip, joined, frozenset(known))
    for frame, shares in enumerate(joined):
        if shares is None:
            yield None
            continue
        if task.anchor is not None and frame not in known:
            shares, _ = task.anchor(frame, shares)
        trust = strength[frame] if frame not in known else None
        yield labelled(shares, trust)


def labelled(shares: Soft, strength: NDArray[np.float32] | None) -> LabelMap:
    """The map of (h, w, c) `shares`; `strength` None: nothing more to be asked."""
    order = np.sort(shares, axis=-1)
    lead = order[..., -1] - order[..., -2] if shares.shape[-1] > 1 else order[..., -1]
    confidence = lead if strength is None else lead * strength
    return LabelMap(shares.argmax(axis=-1).astype(np.uint8), np.clip(confidence, 0, 1).astype(np.float32), shares)


def _labelled(task: Task) -> dict[int, Callable[[], Seen]]:
    """The labelled frames that are not missing, on cells, made when first asked for."""

    def seen(frame: int) -> Seen:
        vectors = np.asarray(task.clip.grids(frame), np.float32)
        return Seen(frame, vectors, on_cells(shares_of(task.labels[frame], task.classes), task.clip.cells))

    once = lru_cache(maxsize=2 * task.how.labelled)(seen)
    return {frame: partial(once, frame) for frame in task.labels if task.clip.grids(frame) is not None}
