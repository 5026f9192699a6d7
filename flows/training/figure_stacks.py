"""Flow stacks of rendered figures, computed as for a real video: estimated flow, estimated camera motion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField
from tasks.artifacts.action_model import StackSettings
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.estimate_flow.flow_quality import assess_flow_pair
from tasks.estimate_flow.opencv_flow import make_dis_estimator
from tasks.geometry.homography import compute_camera_flow
from tasks.streams.flow_stack import (
    STACK_CHANNELS,
    STACK_LENGTH,
    FlowStacks,
    crop_flow_field,
    make_person_stack_squares,
)
from tasks.streams.segment_sampling import sample_segment_starts
from tasks.synthetic.figures.figure_clip import FPS, SIDE, ClipTheme, draw_figure_clip
from tasks.synthetic.figures.ordered_motions import EVERY_MOTION

FIGURE_STACK_SETTINGS = StackSettings(motion_compensation="camera", side=96)
ENCODING = FlowEncoding(SIDE, SIDE, grid=2, steps_per_px=32)


@dataclass(frozen=True)
class FigureClipJob:
    """One clip to render and the sampling of its stacks."""

    seed: tuple[int, ...]
    motion: str
    """Of EVERY_MOTION."""
    frames: int
    segments: int
    theme: ClipTheme = ClipTheme()
    is_random: bool = False
    """Whether positions in time and boxes are random, as in training."""
    is_shuffled: bool = False
    """Whether the frames are shuffled before flow is estimated."""


@dataclass(frozen=True, eq=False)
class FigureClipInputs:
    """Inputs of both streams from one clip."""

    stacks: FlowStacks
    """(segments, 20, side, side)."""
    pictures: NDArray[np.uint8]
    """(segments, h, w, 3) the frame in the middle of each stack."""


def make_render_pool(count: int) -> ProcessPoolExecutor:
    """Pool of `count` processes for `render_clip_inputs`, one thread each.

    Processes are spawned: a fork of a process whose libraries run threads can wait forever for a lock one of them held.
    """
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_use_one_thread)


def _use_one_thread() -> None:
    cv2.setNumThreads(1)


def render_clip_inputs(job: FigureClipJob) -> FigureClipInputs:
    """Render a clip and crop its stacks."""
    clip = draw_figure_clip(job.seed, EVERY_MOTION[job.motion], job.frames, job.theme)
    random = np.random.default_rng([2, *job.seed])
    order: list[int] = random.permutation(job.frames).tolist() if job.is_shuffled else list(range(job.frames))
    pictures = [clip.pictures[at] for at in order]
    fields = list(_estimate_flow(pictures))
    starts = sample_segment_starts(0, len(fields), STACK_LENGTH, job.segments, random if job.is_random else None)
    squares = make_person_stack_squares(
        np.arange(job.frames), _jitter_boxes(clip.xyxy, random, job.is_random), starts, 1
    )
    stacks = [
        [crop_flow_field(fields[start + n], square[n], FIGURE_STACK_SETTINGS, 1 / FPS) for n in range(STACK_LENGTH)]
        for start, square in zip(starts, squares, strict=True)
    ]
    middles = np.stack([pictures[start + STACK_LENGTH // 2] for start in starts])
    return FigureClipInputs(
        np.array(stacks, np.float32).reshape(
            -1, STACK_CHANNELS, FIGURE_STACK_SETTINGS.side, FIGURE_STACK_SETTINGS.side
        ),
        middles,
    )


def _estimate_flow(pictures: Sequence[NDArray[np.uint8]]) -> Iterator[FlowField]:
    """(h, w, 2) estimated flow of each pair, camera motion compensated."""
    for (first, second), (there, back) in zip(pairwise(pictures), make_dis_estimator("medium")(pictures), strict=True):
        pair = assess_flow_pair(first, second, there, back, ENCODING)
        yield pair.forward - compute_camera_flow(pair.camera, SIDE, SIDE)


def _jitter_boxes(xyxy: NDArray[np.float32], random: np.random.Generator, is_random: bool) -> NDArray[np.float32]:
    """Boxes with random offset and scale, as a detector's."""
    if not is_random:
        return xyxy
    middle, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, (xyxy[:, 2:] - xyxy[:, :2]) / 2
    middle = middle + random.normal(0, 0.05, 2) * half
    half = half * random.uniform(0.9, 1.2)
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
