"""The flow stream: stacks of flow fields of the frame's middle, or around people, seen by the temporal network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.arrays import Boxes
from tasks.artifacts.action_model import LinearHead
from tasks.artifacts.dense_flow import DenseFlow
from tasks.classify.look import WHOLE_FRAME, Evidence, Look, best
from tasks.classify.people import present
from tasks.classify.viewing import Viewing
from tasks.streams.clip_network import differentiable
from tasks.streams.clips import Window
from tasks.streams.flow_stack import LENGTH, field_step, frame_interval, middle_squares, span, squares_along, stacks
from tasks.streams.gradcam import grad_cam
from tasks.streams.heads import probabilities
from tasks.streams.segments import segment_starts
from tasks.streams.temporal import temporal_activations


def looks_at_motion(viewing: Viewing) -> Iterator[Look]:
    """A look for every window and subject of the model's region that has a stack's length of flow in it."""
    stream = viewing.model.temporal
    if stream is None:
        return
    interval_s = frame_interval(viewing.frames.pts_s)
    step = field_step(interval_s)
    for number, window in enumerate(viewing.windows):
        starts = known_starts(viewing.dense_flow, window, span(interval_s), viewing.params.flow_stacks)
        subjects = list(_subjects(viewing, window, starts, step))
        if not starts or not subjects:
            continue
        squares = np.concatenate([squares for _, squares in subjects])
        seen = stacks(viewing.dense_flow, starts * len(subjects), squares, stream.stacks, interval_s)
        maps = temporal_activations(stream, seen, viewing.device)
        middles = [start + LENGTH // 2 * step for start in starts]
        for (track_id, around), mine in zip(subjects, np.split(maps, len(subjects)), strict=True):
            found, evidence = _judged(stream.head, mine, middles, around[:, LENGTH // 2])
            yield Look(number, "flow", track_id, viewing.model.vocabulary, viewing.model.labels, found, evidence)


def known_starts(dense_flow: DenseFlow, window: Window, length: int, count: int) -> list[int]:
    """First pairs of up to `count` stacks of `length` pairs within a window, none over a cut or a missing frame."""
    starts = segment_starts(window.first, window.last, length, count)
    return [start for start in starts if dense_flow.known[start : start + length].all()]


def _subjects(viewing: Viewing, window: Window, starts: Sequence[int], step: int) -> Iterator[tuple[int, Boxes]]:
    """Track and squares, for each of the stacks, of everything that is looked at in a window."""
    if viewing.looks_at_frame(window):
        yield WHOLE_FRAME, middle_squares(len(starts), viewing.dense_flow.height, viewing.dense_flow.width)
    else:
        for person in present(viewing.people, window):
            yield person.track_id, squares_along(person.frames, person.xyxy, starts, step)


def _judged(
    head: LinearHead, maps: NDArray[np.float32], middles: Sequence[int], squares: NDArray[np.float64]
) -> tuple[NDArray[np.float32], tuple[Evidence, ...]]:
    """The mean of what the stacks of one subject say; `middles` and `squares` are where each has its middle field."""
    each = probabilities(head, maps.mean(axis=(2, 3), dtype=np.float64).astype(np.float32))
    found = each.mean(axis=0).astype(np.float32)
    chosen = best(found)
    last = differentiable(head.weights, head.bias)
    wanted = torch.from_numpy(np.tile(chosen, (len(maps), 1)))
    cams = grad_cam(torch.from_numpy(maps), lambda seen: last(seen.mean(dim=(2, 3))), wanted).numpy()
    surest = [int(each[:, label].argmax()) for label in chosen]
    return found, tuple(
        Evidence.of(middles[stack], squares[stack], cams[stack, rank]) for rank, stack in enumerate(surest)
    )
