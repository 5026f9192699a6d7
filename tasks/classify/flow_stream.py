"""The flow stream (motion): class probabilities of stacks of flow fields, of the whole frame or of tracked people.

Temporal stream of Simonyan and Zisserman (2014), with sparse sampling of several stacks per window (Wang et al., 2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.arrays import Boxes
from tasks.artifacts.action_model import LinearHead
from tasks.artifacts.dense_flow import DenseFlow
from tasks.classify.classification_inputs import ClassificationInputs
from tasks.classify.stream_prediction import WHOLE_FRAME, SaliencyMap, StreamPrediction, select_top_labels
from tasks.streams.clip_network import make_torch_head
from tasks.streams.flow_stack import (
    STACK_LENGTH,
    build_flow_stacks,
    compute_field_step,
    compute_frame_interval,
    count_stack_pairs,
    make_frame_stack_squares,
    make_person_stack_squares,
)
from tasks.streams.grad_cam import grad_cam
from tasks.streams.linear_head import predict_consensus, predict_probabilities
from tasks.streams.novelty import measure_novelty
from tasks.streams.segment_sampling import sample_segment_starts
from tasks.streams.temporal_stream import compute_temporal_maps
from tasks.streams.video_clips import ClipWindow


def predict_flow(inputs: ClassificationInputs) -> Iterator[StreamPrediction]:
    """One prediction per window and subject of the model's region, where the window holds a stack of flow."""
    stream = inputs.model.temporal
    if stream is None:
        return
    interval_s = compute_frame_interval(inputs.frames.pts_s)
    step = compute_field_step(interval_s)
    for number, window in enumerate(inputs.windows):
        starts = find_stack_starts(
            inputs.dense_flow, window, count_stack_pairs(interval_s), inputs.params.flow_stacks_per_window
        )
        subjects = list(_list_subjects(inputs, number, starts, step))
        if not starts or not subjects:
            continue
        squares = np.concatenate([squares for _, squares in subjects])
        seen = build_flow_stacks(inputs.dense_flow, starts * len(subjects), squares, stream.stacks, interval_s)
        both_ways = stream.head.feature_source == "temporal-both-ways"
        maps = compute_temporal_maps(stream, seen, inputs.device, both_ways=both_ways)
        middles = [start + STACK_LENGTH // 2 * step for start in starts]
        for (track_id, around), mine in zip(subjects, np.split(maps, len(subjects)), strict=True):
            found, saliency = _predict_subject(stream.head, mine, middles, around[:, STACK_LENGTH // 2])
            novelty = measure_novelty(inputs.model.learned.get("temporal"), pool_maps(mine))
            vocabulary, labels = inputs.model.vocabulary, inputs.model.labels
            yield StreamPrediction(number, "flow", track_id, vocabulary, labels, found, saliency, novelty)


def find_stack_starts(dense_flow: DenseFlow, window: ClipWindow, length: int, count: int) -> list[int]:
    """First pairs of up to `count` stacks of `length` pairs within a window, none over a cut or a missing frame."""
    starts = sample_segment_starts(window.first, window.last, length, count)
    return [start for start in starts if dense_flow.known[start : start + length].all()]


def _list_subjects(
    inputs: ClassificationInputs, number: int, starts: Sequence[int], step: int
) -> Iterator[tuple[int, Boxes]]:
    """Track id and (stacks, STACK_LENGTH, 4) squares of every subject that is classified in window `number`."""
    if inputs.uses_whole_frame(number):
        yield WHOLE_FRAME, make_frame_stack_squares(len(starts), inputs.dense_flow.height, inputs.dense_flow.width)
    for person in inputs.list_people(number):
        yield person.track_id, make_person_stack_squares(person.frames, person.xyxy, starts, step)


def pool_maps(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """(stacks, d) features of (stacks, d, h, w) maps: their means over the picture."""
    return maps.mean(axis=(2, 3), dtype=np.float64).astype(np.float32)


def _predict_subject(
    head: LinearHead, maps: NDArray[np.float32], middles: Sequence[int], squares: NDArray[np.float64]
) -> tuple[NDArray[np.float32], tuple[SaliencyMap, ...]]:
    """Probabilities of one subject by the consensus of its stacks, and each top label's Grad-CAM map on its best stack.

    `middles` and `squares` are the frame and the square of the middle field of each stack.
    """
    features = pool_maps(maps)
    each, found = predict_probabilities(head, features), predict_consensus(head, features)
    chosen = select_top_labels(found)
    last = make_torch_head(head.weights, head.bias)
    wanted = torch.from_numpy(np.tile(chosen, (len(maps), 1)))
    cams = grad_cam(torch.from_numpy(maps), lambda features: last(features.mean(dim=(2, 3))), wanted).numpy()
    surest = [int(each[:, label].argmax()) for label in chosen]
    return found, tuple(
        SaliencyMap.from_activations(middles[stack], squares[stack], cams[stack, rank])
        for rank, stack in enumerate(surest)
    )
