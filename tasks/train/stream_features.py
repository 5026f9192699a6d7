"""Inputs and frozen-network features of both streams for one labelled segment: a few clips and a few flow stacks.

Features are kept in the user's cache, under a hash of everything that they depend on. So an interrupted training
resumes, and after adding a label only that label is computed."""

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
from tasks.artifacts.shots import Shots
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
    """Features of one labelled segment."""

    spatial: NDArray[np.float32]
    """(clips, d) features; (0, 0) without a spatial stream."""
    temporal: NDArray[np.float32]
    """(stacks, 2 d) features of the pretrained network, of each stack and of the stack played backwards; no rows where
    the video is too short for a stack."""
    stacks: NDArray[np.int8]
    """(stacks, 20, side, side) the stacks themselves, where the network is to be trained; else no rows."""


@dataclass(frozen=True, eq=False)
class TrainContext:
    """Parameters, initial temporal stream and device of a training."""

    params: TrainParams
    stream: TemporalStream
    """The temporal stream to start from."""
    device: str


def extract_stream_features(
    segment: LabelSegment, frames: Frames, flow: Path, shots: Path, context: TrainContext
) -> StreamFeatures:
    """Compute the features of `segment`; `flow` and `shots` are the files of its video."""
    params, stream, device = context.params, context.stream, context.device
    nothing = np.empty((0, 0), np.float32)
    spatial, temporal, kept = nothing, nothing, np.empty((0, 0, 0, 0), np.int8)
    dense_flow = DenseFlow.load(flow)
    if params.spatial != "none":
        spatial = extract_spatial_features(
            params.spatial, read_segment_clips(segment, frames, Shots.load(shots).boundary, params), device
        )
    if params.temporal != "none":
        found = build_segment_stacks(segment, frames, dense_flow, stream.stacks, params.flow_stacks_per_segment)
        if params.temporal == "full":
            kept = quantize_stacks(found)
        else:
            temporal = extract_temporal_features(stream, found, device, both_ways=True)
    return StreamFeatures(spatial, temporal, kept)


def read_segment_clips(
    segment: LabelSegment, frames: Frames, boundary: NDArray[np.bool_], params: TrainParams
) -> list[NDArray[np.uint8]]:
    """Up to `params.clips_per_segment` clips, each in one shot; for MobileNetV2 the middle frame of each alone."""
    inside = np.zeros(len(frames), np.bool_)
    inside[segment.first : segment.stop] = True
    plan = WindowPlan(fps=CLIP_FPS, length=CLIP_FRAMES, stride=CLIP_FRAMES, max_windows=params.clips_per_segment)
    found: list[NDArray[np.uint8]] = []
    for window in make_clip_windows(frames.pts_s, frames.ok & inside, boundary, plan):
        at = window.frames[len(window.frames) // 2 :][:1] if params.spatial == "mobilenet-v2" else window.frames
        clip_window = replace(window, frames=at)
        found += read_clips(frames, clip_window, [_make_squares(segment, frames, clip_window)])
    return found


def _make_squares(segment: LabelSegment, frames: Frames, window: ClipWindow) -> Boxes:
    """(t, 4) squares around the person, as tracked in the window's shot, or the central crop."""
    if segment.person is None:
        return make_frame_squares(frames.height, frames.width, len(window.frames))
    known = window.is_in_shot(segment.person.frames)
    if not known.any():  # the person is not tracked in this shot
        known[:] = True
    return make_person_squares(window.frames, segment.person.frames[known], segment.person.xyxy[known])


def build_segment_stacks(
    segment: LabelSegment, frames: Frames, dense_flow: DenseFlow, settings: StackSettings, count: int
) -> FlowStacks:
    """Up to `count` stacks over the segment, which is widened where it is too short for one."""
    interval_s = compute_frame_interval(frames.pts_s)
    length = count_stack_pairs(interval_s)
    first, stop = widen_range(segment.first, segment.stop, length + 1, len(frames))
    starts = sample_segment_starts(first, stop - 1, length, count)
    squares = None
    if segment.person is not None:
        squares = make_person_stack_squares(
            segment.person.frames, segment.person.xyxy, starts, compute_field_step(interval_s)
        )
    return build_flow_stacks(dense_flow, starts, squares, settings, interval_s)


@dataclass(frozen=True)
class FeatureCache:
    """Features and training checkpoints in the user's cache folder."""

    folder: Path

    @classmethod
    def open(cls) -> FeatureCache:
        """The cache of this user; deletes temporary files that are older than a day."""
        folder = cache_dir() / "training"
        folder.mkdir(parents=True, exist_ok=True)
        for temporary in folder.glob(".*"):  # left by a killed process, if older than a day
            with contextlib.suppress(OSError):
                if time.time() - temporary.stat().st_mtime > DAY_S:
                    temporary.unlink()
        return cls(folder)

    def load(self, key: str) -> StreamFeatures | None:
        """The features under `key`; None where they are missing or damaged."""
        data = read_checksummed(self.folder / f"{key}.look")
        if data is None:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return StreamFeatures(**{name: file[name] for name in file.files})

    def save(self, key: str, found: StreamFeatures) -> None:
        """Write `found` under `key`, atomically."""
        file = io.BytesIO()
        np.savez_compressed(file, spatial=found.spatial, temporal=found.temporal, stacks=found.stacks)
        write_checksummed(self.folder / f"{key}.look", file.getvalue())


def compute_feature_key(segment: LabelSegment, files: Sequence[Path], params: TrainParams) -> str:
    """Hash of all that the features depend on: files, segment, parameters, code and library versions."""
    return hash_json(
        {
            "files": [_hash_file(path) for path in files],
            "segment": [segment.first, segment.stop, segment.track_id],
            "params": [params.spatial, params.temporal, params.clips_per_segment, params.flow_stacks_per_segment],
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
