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
from tasks.classify.look import WHOLE_FRAME, Evidence, Look, best
from tasks.classify.params import ClassifyParams
from tasks.classify.people import present
from tasks.classify.viewing import Viewing
from tasks.streams.clip_network import ClipNetwork, differentiable
from tasks.streams.clips import Clip, Window, frame_squares, person_squares, read_clips
from tasks.streams.gradcam import grad_cam
from tasks.streams.heads import probabilities
from tasks.streams.i3d import load_i3d
from tasks.streams.kinetics_labels import KINETICS_400
from tasks.streams.spatial import spatial_features
from tasks.streams.video_resnet import load_video_resnet

Judged = tuple[NDArray[np.float32], tuple[Evidence, ...]]
"""Probabilities of all labels, and the evidence for the best."""


@dataclass(frozen=True, eq=False)
class Job:
    """One clip to look at."""

    number: int
    """Of the window."""
    window: Window
    track_id: int
    squares: Boxes


def looks_at_pictures(viewing: Viewing) -> Iterator[Look]:
    """A look for every window and subject: a team's region in its labels, else the frame in those of Kinetics."""
    jobs = [
        Job(number, window, *subject)
        for number, window in enumerate(viewing.windows)
        for subject in _subjects(viewing, window)
    ]
    if not jobs:
        return
    clips = _clips(viewing.frames, jobs)
    if not viewing.is_team:
        network = _network(viewing.params, viewing.device)
        head = LinearHead("i3d", network.weights, network.bias)
        judged = (_judged(network, head, job, maps) for job, maps in zip(jobs, network.maps(clips), strict=True))
        yield from _looks(jobs, judged, KINETICS_400, network.labels)
    elif viewing.model.spatial is not None:
        judged = _by_team(viewing.model.spatial, jobs, clips, viewing.device)
        yield from _looks(jobs, judged, viewing.model.vocabulary, viewing.model.labels)


def _subjects(viewing: Viewing, window: Window) -> Iterator[tuple[int, Boxes]]:
    """Track and squares of everything that is looked at in a window."""
    if not viewing.is_team or viewing.looks_at_frame(window):
        yield WHOLE_FRAME, frame_squares(viewing.frames.height, viewing.frames.width, len(window.frames))
    if not viewing.looks_at_frame(window) if viewing.is_team else viewing.params.people_rgb:
        for person in present(viewing.people, window):
            yield person.track_id, person_squares(window.frames, person.frames, person.xyxy)


def _network(params: ClassifyParams, device: str) -> ClipNetwork:
    if params.network == "i3d" or params.network_file is None or params.network_sha256 is None:
        return load_i3d(device)
    return load_video_resnet(params.network, Path(params.network_file), params.network_sha256, device)


def _clips(frames: Frames, jobs: Sequence[Job]) -> Iterator[Clip]:
    """The clips of `jobs`, those of one window read together."""
    start = 0
    while start < len(jobs):
        together = [job.squares for job in jobs[start:] if job.number == jobs[start].number]
        yield from read_clips(frames, jobs[start].window, together)
        start += len(together)


def _looks(jobs: Sequence[Job], judged: Iterable[Judged], vocabulary: str, labels: tuple[str, ...]) -> Iterator[Look]:
    for job, (found, evidence) in zip(jobs, judged, strict=True):
        yield Look(job.number, "rgb", job.track_id, vocabulary, labels, found, evidence)


def _by_team(head: LinearHead, jobs: Sequence[Job], clips: Iterator[Clip], device: str) -> Iterator[Judged]:
    """By a head of the team's on whichever features it reads."""
    if head.seen == "i3d":
        network = load_i3d(device)
        for job, maps in zip(jobs, network.maps(clips), strict=True):
            yield _judged(network, head, job, maps)
        return
    for job, clip in zip(jobs, clips, strict=True):
        found = probabilities(head, spatial_features(head.seen, [clip], device))[0].astype(np.float32)
        middle = job.squares[len(job.squares) // 2]
        yield found, tuple(Evidence.none(middle) for _ in best(found))


def _judged(network: ClipNetwork, head: LinearHead, job: Job, maps: Tensor) -> Judged:
    """By a head on the network's features, and where it saw that."""
    found = probabilities(head, network.pooled(maps).numpy())[0].astype(np.float32)
    chosen = best(found)
    last = differentiable(head.weights, head.bias)
    cams = grad_cam(maps, lambda seen: last(network.pooled(seen)), torch.from_numpy(chosen)[None])[0].numpy()
    evidence: list[Evidence] = []
    for cam in cams:
        peak = int(cam.sum(axis=(1, 2)).argmax())
        instant = int((peak + 0.5) * len(job.window.frames) / len(cam))  # a map's cell spans several pictures
        evidence.append(Evidence.of(int(job.window.frames[instant]), job.squares[instant], cam[peak]))
    return found, tuple(evidence)
