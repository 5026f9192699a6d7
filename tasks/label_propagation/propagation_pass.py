"""One pass over a sequence, forwards or backwards: collects the evidence for every frame after the first labelled one.

The forward pass brings evidence from earlier frames, the backward pass from later ones; propagate_labels.py adds both.
Only the previous frame's probabilities and the warp fields to the nearest labelled frames are carried along.
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
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.label_map import encode_one_hot, pool_to_cells, upsample_to_pixels
from tasks.sequence.sequence_view import SequenceView
from tasks.sequence.warp_cache import BackwardWarpCache

MAX_VOLUME_SOURCES = 2  # labelled frames reached through the volume; its cost grows with the number of frames between

RefineLabels = Callable[[int, ClassProbabilities], tuple[ClassProbabilities, ClassProbabilities | None]]
"""Frame and (h, w, c) probabilities to the refined output, and what is fed back; see mask_refinement.MaskRefiner."""


@dataclass(frozen=True)
class PropagationTask:
    """A sequence, the labels of some of its frames, and how to propagate them."""

    view: SequenceView
    labels: Mapping[int, LabelMap]
    classes: int
    config: PropagationConfig
    evidence_weights: NDArray[np.float32]
    """(kinds,)."""
    warps: BackwardWarpCache
    mask_refiner: RefineLabels | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of the fit of the evidence weights."""


@dataclass
class _PassState:
    """What a pass carries from frame to frame."""

    frame: int
    probabilities: ClassProbabilities
    warp_fields: dict[int, WarpField]
    """Labelled frame to where this frame's pixels lie in it."""


def run_propagation_pass(
    task: PropagationTask, frames: Sequence[int], memory: MemoryBank
) -> Iterator[tuple[int, Evidence]]:
    """(frame, evidence) for each of the consecutive `frames` after the first labelled one; missing ones are skipped.

    A labelled frame's own label is not part of its evidence.
    """
    view, state = task.view, None
    for frame in frames:
        vectors = view.feature_grid(frame)
        if state is None and frame not in task.labels:
            continue
        if vectors is None:
            state = None if state is None else _PassState(frame, state.probabilities, {})
            continue
        if state is not None:
            evidence, state = _advance(task, state, frame, np.asarray(vectors, np.float32), memory)
            yield frame, evidence
        if frame in task.labels:
            known = encode_one_hot(task.labels[frame], task.classes)
            fields = {} if state is None else state.warp_fields
            own = {frame: WarpField.identity(view.height, view.width)}
            nearest = sorted(fields.items(), key=lambda item: abs(item[0] - frame))
            kept = dict(nearest[: task.config.labelled_frames - 1])
            mixed = known if state is None else known + state.probabilities * (1 - known.sum(axis=-1, keepdims=True))
            state = _PassState(frame, mixed, own | kept)


def _advance(
    task: PropagationTask, state: _PassState, frame: int, vectors: Vectors, memory: MemoryBank
) -> tuple[Evidence, _PassState]:
    """The evidence for `frame`, which follows that of `state`, and the state after it."""
    view, config = task.view, task.config
    evidence = Evidence.empty(view.height, view.width, task.classes)
    matched, best = memory.match_labels(frame, vectors)
    full = np.ones((view.height, view.width), np.float32)
    if config.semantic:
        evidence.add_votes("semantic", upsample_to_pixels(matched, view.cells, view.height, view.width), full)
    # The classifier only counts where labelled frames can validate it against each other (evidence_weights.py).
    if config.classifier and not config.single_match and len(task.labels) > 1:
        predicted = memory.classify_cells(frame, vectors)
        probabilities = upsample_to_pixels(predicted, view.cells, view.height, view.width)
        evidence.add_votes("named", probabilities, config.classifier_weight * full)
    warp = task.warps.get_warp(frame, state.frame) if abs(frame - state.frame) == 1 else None
    fields = {} if warp is None else {f: earlier.compose_with(warp) for f, earlier in state.warp_fields.items()}
    if warp is not None and config.previous:
        evidence.add_votes("previous", warp.warp_values(state.probabilities), config.previous_weight * warp.trust)
    if not config.single_match:
        similarity = FeatureSimilarity(view, vectors, best, memory.temperature)
        for kind, weight, source, found in _labelled_sources(task, frame, state.frame, fields):
            known = encode_one_hot(task.labels[source], task.classes)
            votes = found.warp_values(known)
            evidence.add_votes(kind, votes, weight * found.trust * similarity.compare_along(source, found))
    probabilities, fed_back = evidence.combine_kinds(task.evidence_weights).probabilities, None
    if task.mask_refiner is not None:
        probabilities, fed_back = task.mask_refiner(frame, probabilities)
    if frame not in task.labels:
        labels = matched if fed_back is None else pool_to_cells(fed_back, view.cells)
        memory.add_frame(MemoryFrame(frame, vectors, labels))
    return evidence, _PassState(frame, probabilities, fields)


def _labelled_sources(
    task: PropagationTask, frame: int, before: int, fields: Mapping[int, WarpField]
) -> Iterator[tuple[str, float, int, WarpField]]:
    """(kind, weight, labelled frame, warp field to it) of the hypotheses that lead to labelled frames."""
    config, volume_warp = task.config, task.view.volume_warp
    if config.chained:
        yield from (("chained", config.chained_weight, *found) for found in fields.items())
    if config.direct:
        yield from (("direct", config.direct_weight, *found) for found in _direct_warps(task, frame, before))
    if config.volume and volume_warp is not None:
        for source in _labelled_behind(task, frame, before)[:MAX_VOLUME_SOURCES]:
            found = volume_warp(frame, source)
            if found is not None:
                yield "volume", config.volume_weight, source, found


def _direct_warps(task: PropagationTask, frame: int, before: int) -> Iterator[tuple[int, WarpField]]:
    """Warp fields to the labelled frames behind by long-range flow; `before` is the previous frame of the pass."""
    view, config = task.view, task.config
    here = WarpField.identity(view.height, view.width).positions
    for source in _labelled_behind(task, frame, before):
        long_range = None if view.direct_flow is None else view.direct_flow(frame, source)
        if long_range is not None:
            # Without the opacity prior points that are occluded there vote too.
            trust = long_range[1].astype(np.float32) if config.density else np.ones_like(here[..., 0])
            yield source, WarpField(here + long_range[0], trust)


def _labelled_behind(task: PropagationTask, frame: int, before: int) -> list[int]:
    """The labelled frames on the side of the frame `before`, the nearest first."""
    behind = sorted((f for f in task.labels if (f - frame) * (before - frame) > 0), key=lambda f: abs(f - frame))
    return behind[: task.config.labelled_frames]
