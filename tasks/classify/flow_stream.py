"""The flow stream: stacks of flow fields of the frame's middle, or around people, seen by the temporal network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.arrays import Boxes
from tasks.artifacts.action_model import LinearHead
from tasks.artifacts.dense_flow import DenseFlow
from tasks.classify.classification_inputs import ClassificationInputs
from tasks.classify.person_selection import select_present
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
from tasks.streams.linear_head import predict_probabilities
from tasks.streams.segment_sampling import sample_segment_starts
from tasks.streams.temporal_stream import compute_temporal_maps
from tasks.streams.video_clips import ClipWindow


def predict_flow(viewing: ClassificationInputs) -> Iterator[StreamPrediction]:
    """A look for every window and subject of the model's region that has a stack's length of flow in it."""
    stream = viewing.model.temporal
    if stream is None:
        return
    interval_s = compute_frame_interval(viewing.frames.pts_s)
    step = compute_field_step(interval_s)
    for number, window in enumerate(viewing.windows):
        starts = find_stack_starts(
            viewing.dense_flow, window, count_stack_pairs(interval_s), viewing.params.flow_stacks
        )
        subjects = list(_list_subjects(viewing, window, starts, step))
        if not starts or not subjects:
            continue
        squares = np.concatenate([squares for _, squares in subjects])
        seen = build_flow_stacks(viewing.dense_flow, starts * len(subjects), squares, stream.stacks, interval_s)
        maps = compute_temporal_maps(stream, seen, viewing.device)
        middles = [start + STACK_LENGTH // 2 * step for start in starts]
        for (track_id, around), mine in zip(subjects, np.split(maps, len(subjects)), strict=True):
            found, evidence = _predict_subject(stream.head, mine, middles, around[:, STACK_LENGTH // 2])
            yield StreamPrediction(
                number, "flow", track_id, viewing.model.vocabulary, viewing.model.labels, found, evidence
            )


def find_stack_starts(dense_flow: DenseFlow, window: ClipWindow, length: int, count: int) -> list[int]:
    """First pairs of up to `count` stacks of `length` pairs within a window, none over a cut or a missing frame."""
    starts = sample_segment_starts(window.first, window.last, length, count)
    return [start for start in starts if dense_flow.known[start : start + length].all()]


def _list_subjects(
    viewing: ClassificationInputs, window: ClipWindow, starts: Sequence[int], step: int
) -> Iterator[tuple[int, Boxes]]:
    """Track and squares, for each of the stacks, of everything that is looked at in a window."""
    if viewing.looks_at_frame(window):
        yield WHOLE_FRAME, make_frame_stack_squares(len(starts), viewing.dense_flow.height, viewing.dense_flow.width)
    else:
        for person in select_present(viewing.people, window):
            yield person.track_id, make_person_stack_squares(person.frames, person.xyxy, starts, step)


def _predict_subject(
    head: LinearHead, maps: NDArray[np.float32], middles: Sequence[int], squares: NDArray[np.float64]
) -> tuple[NDArray[np.float32], tuple[SaliencyMap, ...]]:
    """The mean of what the stacks of one subject say; `middles` and `squares` are where each has its middle field."""
    each = predict_probabilities(head, maps.mean(axis=(2, 3), dtype=np.float64).astype(np.float32))
    found = each.mean(axis=0).astype(np.float32)
    chosen = select_top_labels(found)
    last = make_torch_head(head.weights, head.bias)
    wanted = torch.from_numpy(np.tile(chosen, (len(maps), 1)))
    cams = grad_cam(torch.from_numpy(maps), lambda seen: last(seen.mean(dim=(2, 3))), wanted).numpy()
    surest = [int(each[:, label].argmax()) for label in chosen]
    return found, tuple(
        SaliencyMap.of(middles[stack], squares[stack], cams[stack, rank]) for rank, stack in enumerate(surest)
    )
