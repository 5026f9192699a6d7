"""What the streams see of a stretch: a few clips and a few stacks, and the features that frozen networks make of them.

Features are kept beside the weights, in the user's cache, under a key of all that they were made of. So a training that
was killed goes on where it was, and a label more costs that label alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Boxes
from tasks.artifacts.action_model import StackSettings, TemporalStream
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.checksummed_file import read_checksummed, write_checksummed
from tasks.fingerprint import fingerprint_module, library_version
from tasks.streams.flow_stack import (
    FlowStacks,
    build_flow_stacks,
    compute_field_step,
    compute_frame_interval,
    count_stack_pairs,
    make_person_stack_squares,
)
from tasks.streams.segment_sampling import sample_segment_starts
from tasks.streams.spatial_stream import extract_spatial_features
from tasks.streams.temporal_stream import extract_temporal_features
from tasks.streams.video_clips import ClipWindow, make_clip_windows, make_frame_squares, make_person_squares, read_clips
from tasks.streams.window_plan import WindowPlan
from tasks.train.fine_tune import quantize_stacks
from tasks.train.label_segments import LabelSegment, widen_range
from tasks.weights.weight_cache import cache_dir

if TYPE_CHECKING:
    from tasks.train.params import TrainParams

CLIP_FRAMES = 64  # at 25 frames/s: the length at which I3D's authors train
CLIP_FPS = 25.0
DAY_S = 86_400
LIBRARIES = ("numpy", "opencv-python", "torch")


@dataclass(frozen=True, eq=False)
class StreamFeatures:
    """What was seen of one stretch."""

    spatial: NDArray[np.float32]
    """(clips, d) features; (0, 0) without a spatial stream."""
    temporal: NDArray[np.float32]
    """(stacks, d) features of the shipped network; no rows where the video is too short for a stack."""
    stacks: NDArray[np.int8]
    """(stacks, 20, side, side) the stacks themselves, where the network is to be trained; else no rows."""


@dataclass(frozen=True, eq=False)
class TrainContext:
    """How to look and learn, and with what."""

    params: TrainParams
    stream: TemporalStream
    """The motion stream to start from."""
    device: str


def extract_stream_features(stretch: LabelSegment, frames: Frames, flow: Path, means: TrainContext) -> StreamFeatures:
    """What the streams see of `stretch`; computed."""
    params, stream, device = means.params, means.stream, means.device
    nothing = np.empty((0, 0), np.float32)
    spatial, temporal, kept = nothing, nothing, np.empty((0, 0, 0, 0), np.int8)
    dense_flow = DenseFlow.load(flow)
    if params.spatial != "none":
        spatial = extract_spatial_features(
            params.spatial, read_segment_clips(stretch, frames, dense_flow.cut, params), device
        )
    if params.temporal != "none":
        found = build_segment_stacks(stretch, frames, dense_flow, stream.stacks, params.stacks)
        if params.temporal == "full":
            kept = quantize_stacks(found)
        else:
            temporal = extract_temporal_features(stream, found, device)
    return StreamFeatures(spatial, temporal, kept)


def read_segment_clips(
    stretch: LabelSegment, frames: Frames, cut: NDArray[np.bool_], params: TrainParams
) -> list[NDArray[np.uint8]]:
    """Up to `params.clips` clips, none over a cut; for a network that sees one picture, of the middle picture alone."""
    inside = np.zeros(len(frames), np.bool_)
    inside[stretch.first : stretch.stop] = True
    plan = WindowPlan(fps=CLIP_FPS, length=CLIP_FRAMES, stride=CLIP_FRAMES, most=params.clips)
    found: list[NDArray[np.uint8]] = []
    for window in make_clip_windows(frames.pts_s, frames.ok & inside, cut, plan):
        at = window.frames[len(window.frames) // 2 :][:1] if params.spatial == "mobilenet-v2" else window.frames
        seen = replace(window, frames=at)
        found += read_clips(frames, seen, [_make_squares(stretch, frames, seen)])
    return found


def _make_squares(stretch: LabelSegment, frames: Frames, window: ClipWindow) -> Boxes:
    """Around the person, as they are tracked in the window's shot, or the middle of the frame."""
    if stretch.person is None:
        return make_frame_squares(frames.height, frames.width, len(window.frames))
    known = window.in_shot(stretch.person.frames)
    if not known.any():  # somebody who is back after a shot of something else
        known[:] = True
    return make_person_squares(window.frames, stretch.person.frames[known], stretch.person.xyxy[known])


def build_segment_stacks(
    stretch: LabelSegment, frames: Frames, dense_flow: DenseFlow, settings: StackSettings, count: int
) -> FlowStacks:
    """Up to `count` stacks over the stretch, which is widened where it is too short for one."""
    interval_s = compute_frame_interval(frames.pts_s)
    length = count_stack_pairs(interval_s)
    first, stop = widen_range(stretch.first, stretch.stop, length + 1, len(frames))
    starts = sample_segment_starts(first, stop - 1, length, count)
    squares = None
    if stretch.person is not None:
        squares = make_person_stack_squares(
            stretch.person.frames, stretch.person.xyxy, starts, compute_field_step(interval_s)
        )
    return build_flow_stacks(dense_flow, starts, squares, settings, interval_s)


@dataclass(frozen=True)
class FeatureCache:
    """Looks that were taken before, and the states of trainings, in the user's cache."""

    folder: Path

    @classmethod
    def open(cls) -> FeatureCache:
        """The one of this user."""
        folder = cache_dir() / "training"
        folder.mkdir(parents=True, exist_ok=True)
        for half in folder.glob(".*"):  # a killed process left it, if nobody has written for a day
            with contextlib.suppress(OSError):
                if time.time() - half.stat().st_mtime > DAY_S:
                    half.unlink()
        return cls(folder)

    def get(self, key: str) -> StreamFeatures | None:
        """What was put under `key`."""
        data = read_checksummed(self.folder / f"{key}.look")
        if data is None:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return StreamFeatures(**{name: file[name] for name in file.files})

    def put(self, key: str, found: StreamFeatures) -> None:
        """Keep `found`; a reader sees all of it or nothing."""
        file = io.BytesIO()
        np.savez_compressed(file, spatial=found.spatial, temporal=found.temporal, stacks=found.stacks)
        write_checksummed(self.folder / f"{key}.look", file.getvalue())


def compute_feature_key(stretch: LabelSegment, files: Sequence[Path], params: TrainParams) -> str:
    """Hash of all that `look` depends on: the video's files, what of them is looked at, how, and by which code."""
    return hash_json(
        {
            "files": [_hash_file(path) for path in files],
            "stretch": [stretch.first, stretch.stop, stretch.track_id],
            "params": [params.spatial, params.temporal, params.clips, params.stacks],
            "code": dict(fingerprint_module(__name__)),
            "libraries": {name: library_version(name) for name in LIBRARIES},
        }
    )


def hash_json(parts: Any) -> str:
    """Hash of JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
