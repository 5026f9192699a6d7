"""The rgb stream: clips of the frame, or of people, seen by a network that was trained on pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.arrays import Boxes
from tasks.artifacts.action_model import LinearHead
from tasks.artifacts.frames import Frames
from tasks.classify.classification_inputs import ClassificationInputs
from tasks.classify.params import ClassifyParams
from tasks.classify.person_selection import select_present
from tasks.classify.stream_prediction import WHOLE_FRAME, SaliencyMap, StreamPrediction, select_top_labels
from tasks.streams.clip_network import ClipNetwork, make_torch_head
from tasks.streams.grad_cam import grad_cam
from tasks.streams.i3d import load_i3d
from tasks.streams.kinetics_labels import KINETICS_400
from tasks.streams.linear_head import predict_probabilities
from tasks.streams.spatial_stream import extract_spatial_features
from tasks.streams.video_clips import ClipWindow, VideoClip, make_frame_squares, make_person_squares, read_clips
from tasks.streams.video_resnet import load_video_resnet

LabelledProbabilities = tuple[NDArray[np.float32], tuple[SaliencyMap, ...]]
"""Probabilities of all labels, and the evidence for the best."""


@dataclass(frozen=True, eq=False)
class ClipJob:
    """One clip to look at."""

    number: int
    """Of the window."""
    window: ClipWindow
    track_id: int
    squares: Boxes


def predict_rgb(viewing: ClassificationInputs) -> Iterator[StreamPrediction]:
    """A look for every window and subject: a team's region in its labels, else the frame in those of Kinetics."""
    jobs = [
        ClipJob(number, window, *subject)
        for number, window in enumerate(viewing.windows)
        for subject in _list_subjects(viewing, window)
    ]
    if not jobs:
        return
    clips = _read_job_clips(viewing.frames, jobs)
    if not viewing.is_team:
        network = _load_network(viewing.params, viewing.device)
        head = LinearHead("i3d", network.weights, network.bias)
        judged = (_predict_clip(network, head, job, maps) for job, maps in zip(jobs, network.maps(clips), strict=True))
        yield from _make_predictions(jobs, judged, KINETICS_400, network.labels)
    elif viewing.model.spatial is not None:
        judged = _predict_team_labels(viewing.model.spatial, jobs, clips, viewing.device)
        yield from _make_predictions(jobs, judged, viewing.model.vocabulary, viewing.model.labels)


def _list_subjects(viewing: ClassificationInputs, window: ClipWindow) -> Iterator[tuple[int, Boxes]]:
    """Track and squares of everything that is looked at in a window."""
    if not viewing.is_team or viewing.looks_at_frame(window):
        yield WHOLE_FRAME, make_frame_squares(viewing.frames.height, viewing.frames.width, len(window.frames))
    if not viewing.looks_at_frame(window) if viewing.is_team else viewing.params.people_rgb:
        for person in select_present(viewing.people, window):
            yield person.track_id, make_person_squares(window.frames, person.frames, person.xyxy)


def _load_network(params: ClassifyParams, device: str) -> ClipNetwork:
    if params.network == "i3d" or params.network_file is None or params.network_sha256 is None:
        return load_i3d(device)
    return load_video_resnet(params.network, Path(params.network_file), params.network_sha256, device)


def _read_job_clips(frames: Frames, jobs: Sequence[ClipJob]) -> Iterator[VideoClip]:
    """The clips of `jobs`, those of one window read together."""
    start = 0
    while start < len(jobs):
        together = [job.squares for job in jobs[start:] if job.number == jobs[start].number]
        yield from read_clips(frames, jobs[start].window, together)
        start += len(together)


def _make_predictions(
    jobs: Sequence[ClipJob], judged: Iterable[LabelledProbabilities], vocabulary: str, labels: tuple[str, ...]
) -> Iterator[StreamPrediction]:
    for job, (found, evidence) in zip(jobs, judged, strict=True):
        yield StreamPrediction(job.number, "rgb", job.track_id, vocabulary, labels, found, evidence)


def _predict_team_labels(
    head: LinearHead, jobs: Sequence[ClipJob], clips: Iterator[VideoClip], device: str
) -> Iterator[LabelledProbabilities]:
    """By a head of the team's on whichever features it reads."""
    if head.seen == "i3d":
        network = load_i3d(device)
        for job, maps in zip(jobs, network.maps(clips), strict=True):
            yield _predict_clip(network, head, job, maps)
        return
    for job, clip in zip(jobs, clips, strict=True):
        found = predict_probabilities(head, extract_spatial_features(head.seen, [clip], device))[0].astype(np.float32)
        middle = job.squares[len(job.squares) // 2]
        yield found, tuple(SaliencyMap.none(middle) for _ in select_top_labels(found))


def _predict_clip(network: ClipNetwork, head: LinearHead, job: ClipJob, maps: Tensor) -> LabelledProbabilities:
    """By a head on the network's features, and where it saw that."""
    found = predict_probabilities(head, network.pooled(maps).numpy())[0].astype(np.float32)
    chosen = select_top_labels(found)
    last = make_torch_head(head.weights, head.bias)
    cams = grad_cam(maps, lambda seen: last(network.pooled(seen)), torch.from_numpy(chosen)[None])[0].numpy()
    evidence: list[SaliencyMap] = []
    for cam in cams:
        peak = int(cam.sum(axis=(1, 2)).argmax())
        instant = int((peak + 0.5) * len(job.window.frames) / len(cam))  # a map's cell spans several pictures
        evidence.append(SaliencyMap.of(int(job.window.frames[instant]), job.squares[instant], cam[peak]))
    return found, tuple(evidence)
