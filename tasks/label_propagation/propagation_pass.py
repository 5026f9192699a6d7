"""One pass over a sequence, forwards or backwards: collects the evidence for every frame after the first labelled one.

The forward pass brings evidence from earlier frames, the backward pass from later ones; propagate_labels.py adds both.
Only the previous frame's probabilities and the warp fields to the nearest labelled frames are carried along.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from tasks.arrays import ClassProbabilities
from tasks.label_propagation.cell_search import SearchGrid
from tasks.label_propagation.evidence import Evidence
from tasks.label_propagation.feature_similarity import FeatureSimilarity
from tasks.label_propagation.labelled_hypotheses import find_labelled_hypotheses
from tasks.label_propagation.memory_bank import MemoryBank
from tasks.label_propagation.memory_frame import MemoryFrame
from tasks.label_propagation.propagation_task import PropagationTask
from tasks.sequence.flow_trajectory import WarpField, compose_warp_fields
from tasks.sequence.label_map import pool_to_cells, upsample_to_pixels


@dataclass
class _PassState:
    """What a pass carries from frame to frame."""

    frame: int
    probabilities: ClassProbabilities
    warp_fields: dict[int, WarpField]
    """Labelled frame to where this frame's pixels lie in it."""


def run_propagation_pass(
    task: PropagationTask, frames: Sequence[int], memory: MemoryBank, split: Container[int] = ()
) -> Iterator[tuple[int, Evidence]]:
    """(frame, evidence) for each of the consecutive `frames` after the first labelled one; missing ones are skipped.

    A labelled frame's own label is not part of its evidence. The evidence of the frames in `split` is kept by kind,
    that of all others merged by the task's weights.
    """
    state = None
    for frame in frames:
        if state is None and frame not in task.labels:
            continue
        grid = task.grids(frame)
        if grid is None:
            state = None if state is None else _PassState(frame, state.probabilities, {})
            continue
        if state is not None:
            evidence, state = _advance(task, state, frame, grid, memory, is_split=frame in split)
            yield frame, evidence
        if frame in task.labels:
            state = _restart(task, state, frame)


def _restart(task: PropagationTask, state: _PassState | None, frame: int) -> _PassState:
    """The state at a labelled frame: its labels, and warp fields to it and to the nearest ones of `state`."""
    known = task.one_hot(frame)
    fields = {} if state is None else state.warp_fields
    own = {frame: WarpField.identity(task.view.height, task.view.width)}
    nearest = sorted(fields.items(), key=lambda item: abs(item[0] - frame))
    kept = dict(nearest[: task.config.chained_frames - 1])
    mixed = known if state is None else known + state.probabilities * (1 - known.sum(axis=-1, keepdims=True))
    return _PassState(frame, mixed, own | kept)


def _advance(
    task: PropagationTask, state: _PassState, frame: int, grid: SearchGrid, memory: MemoryBank, *, is_split: bool
) -> tuple[Evidence, _PassState]:
    """The evidence for `frame`, which follows that of `state`, and the state after it."""
    view, config = task.view, task.config
    shape = view.height, view.width, task.classes
    evidence = Evidence.empty(*shape) if is_split else Evidence.empty_merged(*shape, task.evidence_weights)
    matched, best = memory.match_labels(frame, grid)
    if config.semantic:
        evidence.add_votes("semantic", upsample_to_pixels(matched, view.cells, view.height, view.width), 1.0)
    # The classifier only counts where labelled frames can validate it against each other (evidence_weights.py).
    if config.classifier and not config.single_match and len(task.labels) > 1:
        predicted = memory.labelled.classify_cells(frame, grid.vectors)
        probabilities = upsample_to_pixels(predicted, view.cells, view.height, view.width)
        evidence.add_votes("named", probabilities, config.classifier_weight)
    fields: dict[int, WarpField] = {}
    warp = task.warps.get_warp(frame, state.frame) if abs(frame - state.frame) == 1 else None
    if warp is not None:
        moved, passed = compose_warp_fields(warp, [*state.warp_fields.values()], state.probabilities)
        fields = dict(zip(state.warp_fields, moved, strict=True))
        if config.previous:
            evidence.add_votes("previous", passed, config.previous_weight * warp.trust)
    if not config.single_match:
        similarity = FeatureSimilarity(view, grid.vectors, best, memory.temperature)
        for found in find_labelled_hypotheses(task, frame, state.frame, fields):
            there = task.grids(found.source)
            if there is not None:
                weight = found.weight * found.warp.trust * similarity.compare_along(there.vectors, found.warp)
                evidence.add_votes(found.kind, found.warp.warp_values(task.one_hot(found.source)), weight)
    probabilities, labels = evidence.combine_kinds(task.evidence_weights).probabilities, matched
    if frame not in task.labels:
        refined = None if task.mask_refiner is None else task.mask_refiner(frame, probabilities)
        if refined is not None:
            probabilities, labels = refined, pool_to_cells(refined, view.cells)
        memory.add_frame(MemoryFrame(frame, grid, labels))
    return evidence, _PassState(frame, probabilities, fields)
