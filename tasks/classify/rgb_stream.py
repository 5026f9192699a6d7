"""The rgb stream (appearance): class probabilities of clips of the whole frame or of tracked people.

Without a team's model, the labels are those of Kinetics-400, by I3D (Carreira and Zisserman, 2017) or one of
torchvision's video ResNets. With one, a linear head of the team's reads the features of I3D or MobileNetV2. Saliency is
Grad-CAM's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.arrays import Boxes
from tasks.artifacts.action_model import ActionModel, LinearHead
from tasks.artifacts.frames import Frames
from tasks.classify.classification_inputs import ClassificationInputs
from tasks.classify.params import ClassifyParams
from tasks.classify.stream_prediction import WHOLE_FRAME, SaliencyMap, StreamPrediction, select_top_labels
from tasks.streams.clip_network import ClipNetwork, compute_linear_logits, make_torch_head
from tasks.streams.grad_cam import grad_cam
from tasks.streams.i3d import load_i3d
from tasks.streams.kinetics_labels import KINETICS_400
from tasks.streams.linear_head import predict_probabilities
from tasks.streams.novelty import measure_novelty
from tasks.streams.spatial_stream import extract_spatial_features
from tasks.streams.video_clips import ClipWindow, VideoClip, make_frame_squares, make_person_squares, read_clips
from tasks.streams.video_resnet import load_video_resnet

LabelledProbabilities = tuple[NDArray[np.float32], tuple[SaliencyMap, ...], float, float]
"""(labels,) probabilities, a saliency map for each of the top labels, novelty of the clip, and largest logit."""
NOT_KNOWN = float("nan")


@dataclass(frozen=True, eq=False)
class ClipJob:
    """One clip to classify: a window and a subject."""

    number: int
    """Number of the window."""
    window: ClipWindow
    track_id: int
    squares: Boxes


def predict_rgb(inputs: ClassificationInputs) -> Iterator[StreamPrediction]:
    """One prediction per window and subject: the team's labels in its region, else Kinetics-400 on the whole frame."""
    jobs = [
        ClipJob(number, window, *subject)
        for number, window in enumerate(inputs.windows)
        for subject in _list_subjects(inputs, number)
    ]
    if not jobs:
        return
    clips = _read_job_clips(inputs.frames, jobs)
    if not inputs.has_team_labels:
        network = _load_network(inputs.params, inputs.device)
        head = LinearHead("i3d", network.weights, network.bias)
        classified = (
            (*_predict_clip(network, head, job, maps), NOT_KNOWN, _find_max_logit(network, maps))
            for job, maps in zip(jobs, network.compute_maps(clips), strict=True)
        )
        yield from _make_predictions(jobs, classified, KINETICS_400, network.labels)
    elif inputs.model.spatial is not None:
        classified = _predict_team_labels(inputs.model, inputs.model.spatial, jobs, clips, inputs.device)
        yield from _make_predictions(jobs, classified, inputs.model.vocabulary, inputs.model.labels)


def _list_subjects(inputs: ClassificationInputs, number: int) -> Iterator[tuple[int, Boxes]]:
    """Track id and (t, 4) squares of every subject that is classified in window `number`."""
    window = inputs.windows[number]
    if inputs.has_team_labels:
        whole, people = inputs.uses_whole_frame(number), inputs.list_people(number)
    else:
        whole = number in inputs.subjects.frame_numbers
        people = inputs.subjects.people.get(number, ()) if inputs.params.classify_people_by_appearance else ()
    if whole:
        yield WHOLE_FRAME, make_frame_squares(inputs.frames.height, inputs.frames.width, len(window.frames))
    for person in people:
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
    jobs: Sequence[ClipJob], classified: Iterable[LabelledProbabilities], vocabulary: str, labels: tuple[str, ...]
) -> Iterator[StreamPrediction]:
    for job, (found, saliency, *facts) in zip(jobs, classified, strict=True):
        novelty, max_logit = facts
        subject = job.number, "rgb", job.track_id, vocabulary, labels
        yield StreamPrediction(*subject, found, saliency, novelty, max_logit)


def _predict_team_labels(
    model: ActionModel, head: LinearHead, jobs: Sequence[ClipJob], clips: Iterator[VideoClip], device: str
) -> Iterator[LabelledProbabilities]:
    """Probabilities by the team's head, on the features that it reads; no saliency map for MobileNetV2."""
    learned = model.learned.get("spatial")
    if head.feature_source == "i3d":
        network = load_i3d(device)
        for job, maps in zip(jobs, network.compute_maps(clips), strict=True):
            novelty = measure_novelty(learned, network.pool(maps).numpy())
            yield *_predict_clip(network, head, job, maps), novelty, NOT_KNOWN
        return
    for job, clip in zip(jobs, clips, strict=True):
        features = extract_spatial_features(head.feature_source, [clip], device)
        found = predict_probabilities(head, features)[0].astype(np.float32)
        middle = job.squares[len(job.squares) // 2]
        saliency = tuple(SaliencyMap.without_map(middle) for _ in select_top_labels(found))
        yield found, saliency, measure_novelty(learned, features), NOT_KNOWN


def _find_max_logit(network: ClipNetwork, maps: Tensor) -> float:
    return float(compute_linear_logits(network.pool(maps).numpy(), network.weights, network.bias).max())


def _predict_clip(
    network: ClipNetwork, head: LinearHead, job: ClipJob, maps: Tensor
) -> tuple[NDArray[np.float32], tuple[SaliencyMap, ...]]:
    """Probabilities by a linear head on the network's features, and the Grad-CAM map of each top label at its peak."""
    found = predict_probabilities(head, network.pool(maps).numpy())[0].astype(np.float32)
    chosen = select_top_labels(found)
    last = make_torch_head(head.weights, head.bias)
    cams = grad_cam(maps, lambda features: last(network.pool(features)), torch.from_numpy(chosen)[None])[0].numpy()
    saliency: list[SaliencyMap] = []
    for cam in cams:
        peak = int(cam.sum(axis=(1, 2)).argmax())
        instant = int((peak + 0.5) * len(job.window.frames) / len(cam))  # a map's cell spans several pictures
        saliency.append(SaliencyMap.from_activations(int(job.window.frames[instant]), job.squares[instant], cam[peak]))
    return found, tuple(saliency)
