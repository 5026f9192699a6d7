"""Semi-supervised video segmentation: labels of a few frames propagated to all frames of a sequence.

1. A propagation pass forwards and one backwards collect evidence for every frame (propagation_pass.py, evidence.py).
2. The kinds of evidence are weighted by cross-validation on the labelled frames (evidence_weights.py).
3. The votes are smoothed in space and along the flow (label_smoothing.py). Labelled frames keep their labels.

After Tian et al., "Semantic Flow: Learning Semantic Fields of Dynamic Scenes from Monocular Videos" (2024): semantics
aggregated along a point's trajectory, weighted by opacity and attention. Difference: tokens are hypotheses with labels,
not features for a network, which would have to be trained on a few labels; a free network per video overfits.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, LabelMap
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.label_propagation.cell_search import SearchGrid, make_search_grid
from tasks.label_propagation.evidence import EVIDENCE_KINDS, Evidence, VoteStore
from tasks.label_propagation.evidence_weights import EQUAL_WEIGHTS, compute_held_out_iou, fit_evidence_weights
from tasks.label_propagation.label_smoothing import smooth_labels
from tasks.label_propagation.memory_bank import LabelledMemory, MemoryBank, compute_cosine_spread
from tasks.label_propagation.memory_frame import MemoryFrame
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG, PropagationConfig
from tasks.label_propagation.propagation_pass import run_propagation_pass
from tasks.label_propagation.propagation_task import PropagationTask, RefineLabels
from tasks.sequence.label_map import UNKNOWN, encode_one_hot, pool_to_cells
from tasks.sequence.sequence_view import SequenceView
from tasks.sequence.warp_cache import BackwardWarpCache

CACHED_GRIDS = 24  # 2 MB each at 80 x 45 cells: the latest and the labelled frames of both passes
MAX_HELD_OUT_FRAMES = 3  # labelled frames that are held out in turn, evenly spread: one weight per kind needs no more


@dataclass(frozen=True, eq=False)
class ClassifiedFrame:
    """The label map of a frame."""

    label: LabelMap
    """(h, w) the class of highest probability."""
    confidence: NDArray[np.float32]
    """(h, w) its margin over the second class, times the strength of the evidence; 0..1."""
    probabilities: ClassProbabilities
    """(h, w, c)."""


def propagate_labels(
    view: SequenceView,
    labels: Mapping[int, LabelMap],
    class_count: int,
    config: PropagationConfig = DEFAULT_CONFIG,
    mask_refiner: RefineLabels | None = None,
) -> list[ClassifiedFrame | None]:
    """A label map for each frame of `view`, from (h, w) `labels` of some frames; all steps in one call."""
    return list(classify_frames(weigh_evidence(make_propagation_task(view, labels, class_count, config, mask_refiner))))


def make_propagation_task(
    view: SequenceView,
    labels: Mapping[int, LabelMap],
    class_count: int,
    config: PropagationConfig = DEFAULT_CONFIG,
    mask_refiner: RefineLabels | None = None,
) -> PropagationTask:
    """The task of propagating `labels`: classes are 0..class_count-1, UNKNOWN is no label.

    Labels of missing frames, and label maps that are unknown everywhere, are ignored.
    """
    known = {f: given for f, given in labels.items() if view.feature_grid(f) is not None and (given != UNKNOWN).any()}
    warps = BackwardWarpCache(view, config.density, config.check_appearance)

    @lru_cache(maxsize=CACHED_GRIDS)
    def search_grid(frame: int) -> SearchGrid | None:
        vectors = view.feature_grid(frame)
        return None if vectors is None else make_search_grid(np.asarray(vectors, np.float32))

    @lru_cache(maxsize=2 * config.labelled_frames)
    def one_hot(frame: int) -> ClassProbabilities:
        return encode_one_hot(known[frame], class_count)

    return PropagationTask(view, known, class_count, config, EQUAL_WEIGHTS, warps, search_grid, one_hot, mask_refiner)


def weigh_evidence(task: PropagationTask) -> PropagationTask:
    """The task with evidence weights fitted by predicting labelled frames from the labelled frames beside them.

    Equal weights with one labelled frame, or where `config.fit_weights` is off.
    """
    frames = sorted(task.labels)
    if not task.config.fit_weights or len(frames) < 2:  # noqa: PLR2004  one to propagate from, one to test on
        return task
    tried = sorted({frames[n] for n in pick_evenly(len(frames), MAX_HELD_OUT_FRAMES).tolist()})
    trials: list[tuple[Evidence, LabelMap]] = []
    for held_out in tried:
        place = frames.index(held_out)
        beside = {frame: task.labels[frame] for frame in frames[max(0, place - 1) : place + 2] if frame != held_out}
        trial = replace(task, labels=beside, mask_refiner=None)
        both = [evidence for _, evidence in collect_evidence(trial, held_out, held_out + 1, split=(held_out,))]
        if both:
            trials.append((sum(both[1:], both[0]), task.labels[held_out]))
    weights = fit_evidence_weights(trials)
    # Stored metrics keep these names: `heard KIND` is the weight of a kind, `foretold mIoU` the held-out mIoU.
    by_kind = {f"heard {kind}": float(weight) for kind, weight in zip(EVIDENCE_KINDS, weights, strict=True)}
    metrics = {"foretold mIoU": compute_held_out_iou(trials, weights), **by_kind}
    return replace(task, evidence_weights=weights, metrics=metrics)


def classify_frames(task: PropagationTask) -> Iterator[ClassifiedFrame | None]:
    """Label maps in order; None for missing frames, and those without any evidence."""
    view = task.view
    store = VoteStore()
    for frame, evidence in collect_evidence(task, 0, view.length):
        store.add_votes(frame, evidence.combine_kinds(task.evidence_weights))
    yield from make_label_maps(task, store)


def collect_evidence(
    task: PropagationTask, start: int, stop: int, split: Container[int] = ()
) -> Iterator[tuple[int, Evidence]]:
    """(frame, evidence) for frames in [start, stop), of the forward pass and then of the backward pass.

    The evidence of the frames in `split` is kept by kind.
    """
    if not task.labels:
        return
    frames = _labelled_memory(task)
    some = [*frames.values()][: task.config.labelled_frames]
    labelled = LabelledMemory(frames, compute_cosine_spread(np.stack([load().grid.vectors for load in some])))
    first, last = min(task.labels), max(task.labels)
    for order in (range(first, stop), range(last, start - 1, -1)):
        for frame, evidence in run_propagation_pass(task, order, MemoryBank(labelled, task.config), split):
            if start <= frame < stop:
                yield frame, evidence


def make_label_maps(task: PropagationTask, store: VoteStore) -> Iterator[ClassifiedFrame | None]:
    """Label maps from the votes of all frames, smoothed."""
    smoothed = smooth_labels(task.warps, task.config, store.take_votes, task.labels, task.classes)
    for frame, votes in enumerate(smoothed):
        if votes is None:
            yield None
            continue
        probabilities, strength = votes.probabilities, votes.strength
        if frame in task.labels:
            known = task.one_hot(frame)
            probabilities, strength = known + (1 - known.sum(axis=-1, keepdims=True)) * probabilities, None
        elif task.mask_refiner is not None:
            refined = task.mask_refiner(frame, probabilities)
            probabilities = probabilities if refined is None else refined
        yield make_classified_frame(probabilities, strength)


def make_classified_frame(probabilities: ClassProbabilities, strength: NDArray[np.float32] | None) -> ClassifiedFrame:
    """The label map of (h, w, c) `probabilities`; `strength` is None where the label was given."""
    margin = _largest_margin(probabilities)
    confidence = margin if strength is None else margin * strength
    return ClassifiedFrame(
        probabilities.argmax(axis=-1).astype(np.uint8), np.clip(confidence, 0, 1).astype(np.float32), probabilities
    )


def _largest_margin(probabilities: ClassProbabilities) -> NDArray[np.float32]:
    """(h, w) difference of the two largest of (h, w, c) probabilities; one of a single class is compared with 0."""
    largest = probabilities[..., 0].copy()
    second = np.zeros_like(largest)
    for n in range(1, probabilities.shape[-1]):
        value = probabilities[..., n]
        np.maximum(second, np.minimum(largest, value), out=second)
        np.maximum(largest, value, out=largest)
    return largest - second


def _labelled_memory(task: PropagationTask) -> dict[int, Callable[[], MemoryFrame]]:
    """The labelled frames of the memory bank, loaded on first use."""

    def load(frame: int) -> MemoryFrame:
        grid = task.grids(frame)
        assert grid is not None, "a task has no labels of missing frames"
        return MemoryFrame(frame, grid, pool_to_cells(task.one_hot(frame), task.view.cells))

    load_cached = lru_cache(maxsize=2 * task.config.labelled_frames)(load)
    return {frame: partial(load_cached, frame) for frame in task.labels}
