"""Hypotheses that lead from the pixels of a frame to labelled frames: chained flow, long-range flow, the volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tasks.label_propagation.propagation_task import PropagationTask
from tasks.sequence.flow_trajectory import WarpField

MAX_VOLUME_SOURCES = 2  # labelled frames reached through the volume; its cost grows with the number of frames between


@dataclass(frozen=True, eq=False)
class LabelledHypothesis:
    """Where the pixels of a frame lie in a labelled frame, by one source of motion."""

    kind: str
    """As in EVIDENCE_KINDS."""
    weight: float
    source: int
    """The labelled frame."""
    warp: WarpField


def find_labelled_hypotheses(
    task: PropagationTask, frame: int, before: int, fields: Mapping[int, WarpField]
) -> Iterator[LabelledHypothesis]:
    """The hypotheses for `frame`, which follows `before` in the pass; `fields` are its chained warp fields."""
    config, volume_warp = task.config, task.view.volume_warp
    if config.chained:
        yield from (LabelledHypothesis("chained", config.chained_weight, *found) for found in fields.items())
    if config.direct:
        yield from _find_direct(task, frame, before)
    if config.volume and volume_warp is not None:
        for source in _labelled_behind(task, frame, before)[:MAX_VOLUME_SOURCES]:
            found = volume_warp(frame, source)
            if found is not None:
                yield LabelledHypothesis("volume", config.volume_weight, source, found)


def _find_direct(task: PropagationTask, frame: int, before: int) -> Iterator[LabelledHypothesis]:
    """Hypotheses by long-range flow to the labelled frames behind."""
    view, config = task.view, task.config
    here = WarpField.identity(view.height, view.width).positions
    for source in _labelled_behind(task, frame, before):
        long_range = None if view.direct_flow is None else view.direct_flow(frame, source)
        if long_range is not None:
            # Without the opacity prior points that are occluded there vote too.
            trust = long_range[1].astype(np.float32) if config.density else np.ones_like(here[..., 0])
            yield LabelledHypothesis("direct", config.direct_weight, source, WarpField(here + long_range[0], trust))


def _labelled_behind(task: PropagationTask, frame: int, before: int) -> list[int]:
    """The labelled frames on the side of the frame `before`, the nearest first."""
    behind = sorted((f for f in task.labels if (f - frame) * (before - frame) > 0), key=lambda f: abs(f - frame))
    return behind[: task.config.labelled_frames]
