"""From labels on a few frames to all frames: the semantics of the field.

The evidence of a sweep forwards and one backwards is added up (evidence.py), its kinds weighed by attention
(attention.py), and passed on to what moves along with a point, in its own frame and in others (agree.py). Labelled
frames keep their labels.

After Tian et al., "Semantic Flow: Learning Semantic Fields of Dynamic Scenes from Monocular Videos" (2024): semantics
from what is gathered along a point's way, weighed by opacity and by attention. Difference: tokens are hypotheses that
carry labels, not features for a network that a few labels would have to train; a free network per clip overfits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, LabelMap
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.label_propagation.evidence import EVIDENCE_KINDS, Evidence
from tasks.label_propagation.evidence_weights import EQUAL_WEIGHTS, compute_held_out_iou, fit_evidence_weights
from tasks.label_propagation.label_smoothing import smooth_labels
from tasks.label_propagation.memory_bank import MemoryBank, MemoryFrame, compute_cosine_spread
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG, PropagationConfig
from tasks.label_propagation.propagation_pass import PropagationTask, RefineLabels, run_propagation_pass
from tasks.label_propagation.vote_store import VoteStore
from tasks.sequence.backward_warp import BackwardWarpCache
from tasks.sequence.label_map import UNKNOWN, encode_one_hot, pool_to_cells
from tasks.sequence.sequence_view import SequenceView

TRIALS = 6  # labelled frames that are foretold, spread over the clip


@dataclass(frozen=True, eq=False)
class ClassifiedFrame:
    """What each pixel of a frame is."""

    label: LabelMap
    """(h, w) the class with the largest share."""
    confidence: NDArray[np.float32]
    """(h, w) its lead over the second, times how much evidence there is; 0..1."""
    soft: ClassProbabilities
    """(h, w, c) shares."""


def propagate_labels(
    clip: SequenceView,
    labels: Mapping[int, LabelMap],
    class_count: int,
    how: PropagationConfig = DEFAULT_CONFIG,
    anchor: RefineLabels | None = None,
) -> list[ClassifiedFrame | None]:
    """A label map for each frame of `clip`, from (h, w) `labels` of some frames; all steps in one."""
    return list(classify_frames(weigh_evidence(make_propagation_task(clip, labels, class_count, how, anchor))))


def make_propagation_task(
    clip: SequenceView,
    labels: Mapping[int, LabelMap],
    class_count: int,
    how: PropagationConfig = DEFAULT_CONFIG,
    anchor: RefineLabels | None = None,
) -> PropagationTask:
    """What is asked: classes are 0..class_count-1, UNKNOWN is none.

    Labels on missing frames, and those on which nothing is known, do not count.
    """
    known = {f: seen for f, seen in labels.items() if clip.grids(f) is not None and (seen != UNKNOWN).any()}
    return PropagationTask(
        clip, known, class_count, how, EQUAL_WEIGHTS, BackwardWarpCache(clip, how.density, how.looks), anchor
    )


def weigh_evidence(task: PropagationTask) -> PropagationTask:
    """The task with the attention by which labelled frames are best foretold from those beside them.

    Even attention with one labelled frame, or where it is switched off.
    """
    frames = sorted(task.labels)
    if not task.how.attention or len(frames) < 2:
        return task
    tried = sorted({frames[n] for n in pick_evenly(len(frames), TRIALS).tolist()})
    trials: list[tuple[Evidence, LabelMap]] = []
    for held in tried:
        place = frames.index(held)
        beside = {frame: task.labels[frame] for frame in frames[max(0, place - 1) : place + 2] if frame != held}
        trial = replace(task, labels=beside, anchor=None)
        both = [evidence for _, evidence in collect_evidence(trial, held, held + 1)]
        if both:
            trials.append((sum(both[1:], both[0]), task.labels[held]))
    attention = fit_evidence_weights(trials)
    heard = {f"heard {kind}": float(weight) for kind, weight in zip(EVIDENCE_KINDS, attention, strict=True)}
    return replace(
        task, attention=attention, metrics={"foretold mIoU": compute_held_out_iou(trials, attention), **heard}
    )


def classify_frames(task: PropagationTask) -> Iterator[ClassifiedFrame | None]:
    """Label maps in order; None for missing frames, and those that no labelled frame leads to."""
    clip = task.clip
    store = VoteStore(clip.length, clip.height, clip.width, task.classes)
    for frame, evidence in collect_evidence(task, 0, clip.length):
        store.add(frame, evidence.summed(task.attention))
    yield from make_label_maps(task, store)


def collect_evidence(task: PropagationTask, start: int, stop: int) -> Iterator[tuple[int, Evidence]]:
    """(frame, evidence) of the sweeps that reach frames in [start, stop), forwards and then backwards."""
    if not task.labels:
        return
    labelled = _on_cells(task)
    some = [*labelled.values()][: task.how.labelled]
    differ = compute_cosine_spread(np.stack([seen().vectors for seen in some]))
    first, last = min(task.labels), max(task.labels)
    for frames in (range(first, stop), range(last, start - 1, -1)):
        for frame, evidence in run_propagation_pass(task, frames, MemoryBank(labelled, task.how, differ)):
            if start <= frame < stop:
                yield frame, evidence


def make_label_maps(task: PropagationTask, store: VoteStore) -> Iterator[ClassifiedFrame | None]:
    """Label maps from the votes on all frames."""
    told = smooth_labels(task.steps, task.how, store.__getitem__, task.labels, task.classes)
    for frame, votes in enumerate(told):
        if votes is None:
            yield None
            continue
        shares, strength = votes.shares, votes.strength
        if frame in task.labels:
            known = encode_one_hot(task.labels[frame], task.classes)
            shares, strength = known + (1 - known.sum(axis=-1, keepdims=True)) * shares, None
        elif task.anchor is not None:
            shares, _ = task.anchor(frame, shares)
        yield make_classified_frame(shares, strength)


def make_classified_frame(shares: ClassProbabilities, strength: NDArray[np.float32] | None) -> ClassifiedFrame:
    """The map of (h, w, c) `shares`; `strength` None where the label was given."""
    order = np.partition(shares, -2, axis=-1) if shares.shape[-1] > 1 else np.pad(shares, ((0, 0), (0, 0), (1, 0)))
    lead = order[..., -1] - order[..., -2]
    confidence = lead if strength is None else lead * strength
    return ClassifiedFrame(
        shares.argmax(axis=-1).astype(np.uint8), np.clip(confidence, 0, 1).astype(np.float32), shares
    )


def _on_cells(task: PropagationTask) -> dict[int, Callable[[], MemoryFrame]]:
    """The labelled frames as context, made when first asked for."""

    def seen(frame: int) -> MemoryFrame:
        vectors = np.asarray(task.clip.grids(frame), np.float32)
        return MemoryFrame(
            frame, vectors, pool_to_cells(encode_one_hot(task.labels[frame], task.classes), task.clip.cells)
        )

    once = lru_cache(maxsize=2 * task.how.labelled)(seen)
    return {frame: partial(once, frame) for frame in task.labels}
