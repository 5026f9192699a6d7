"""The actions table: predictions as rows, and notes on what is missing and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tasks.artifacts.actions import STREAMS, Actions
from tasks.classify.classification_inputs import ClassificationInputs
from tasks.classify.kinetics_evidence import describe_evidence, lacks_evidence
from tasks.classify.motion_conditions import (
    PRETRAINED,
    MotionConditions,
    describe_conditions,
    measure_conditions,
)
from tasks.classify.params import ClassifyParams
from tasks.classify.stream_prediction import StreamPrediction
from tasks.streams.video_clips import MIN_SHOT_S, ClipWindow

UNFAMILIAR = "Looks like nothing that was learned"
"""Beginning of the sentence of `describe_novelty`."""


def build_action_table(inputs: ClassificationInputs, predictions: Sequence[StreamPrediction]) -> Actions:
    """The top labels of `looks`, ordered."""
    frames, params, windows = inputs.frames, inputs.params, inputs.windows
    conditions = measure_conditions(inputs, predictions)
    facts = _collect_facts(inputs, predictions, conditions)
    if not predictions:
        return Actions.empty(**facts)
    ordered = sorted(
        predictions, key=lambda prediction: (prediction.window, STREAMS.index(prediction.stream), prediction.track_id)
    )
    rows = [
        (prediction, rank, int(label)) for prediction in ordered for rank, label in enumerate(prediction.top_labels)
    ]
    spans = [(windows[prediction.window].first, windows[prediction.window].last) for prediction, _, _ in rows]
    first, last = np.array(spans, np.int32).T
    rank = np.array([rank + 1 for _, rank, _ in rows], np.int16)
    probability = np.array([prediction.probabilities[label] for prediction, _, label in rows], np.float32)
    believed = np.array([is_believed(one, conditions, params) for one, _, _ in rows], np.bool_)
    saliency = [prediction.saliency[rank] for prediction, rank, _ in rows]
    square = np.array([each.square for each in saliency], np.float32)
    return Actions(
        window=np.array([prediction.window for prediction, _, _ in rows], np.int32),
        first_frame=first,
        last_frame=last,
        start_s=frames.pts_s[first],
        end_s=frames.pts_s[last],
        looped=np.array([windows[prediction.window].looped for prediction, _, _ in rows], np.bool_),
        stream=np.array([prediction.stream for prediction, _, _ in rows], object),
        track_id=np.array([prediction.track_id for prediction, _, _ in rows], np.int32),
        vocabulary=np.array([prediction.vocabulary for prediction, _, _ in rows], object),
        rank=rank,
        label=np.array([prediction.labels[label] for prediction, _, label in rows], object),
        probability=probability,
        confident=(rank == 1) & (probability >= np.float32(params.min_probability)) & believed,
        novelty=np.array([one.novelty for one, _, _ in rows]),
        max_logit=np.array([one.max_logit for one, _, _ in rows]),
        x1=square[:, 0],
        y1=square[:, 1],
        x2=square[:, 2],
        y2=square[:, 3],
        cam_frame=np.array([each.frame for each in saliency], np.int32),
        cam=np.stack([each.cam for each in saliency]),
        **facts,
    )


def is_believed(
    prediction: StreamPrediction, conditions: Mapping[tuple[int, int], MotionConditions], params: ClassifyParams
) -> bool:
    """Whether a probable label is confident: filmed as in the trials, like what was learned, and with evidence."""
    if prediction.novelty > params.max_novelty or lacks_evidence(prediction, params):
        return False
    filmed = conditions.get((prediction.window, prediction.track_id))
    if prediction.vocabulary != PRETRAINED or filmed is None:
        return True
    return not (filmed.is_small(params) or filmed.is_moving(params))


def _collect_facts(
    inputs: ClassificationInputs,
    predictions: Sequence[StreamPrediction],
    conditions: Mapping[tuple[int, int], MotionConditions],
) -> dict[str, Any]:
    """What holds for the whole table."""
    frames, params = inputs.frames, inputs.params
    return {
        "video": frames.video,
        "frame_count": len(frames),
        "width": frames.width,
        "height": frames.height,
        "network": params.network,
        "confident_from": params.min_probability,
        "unfamiliar_from": params.max_novelty,
        "evident_from": params.min_logit,
        "notes": [
            *write_notes(inputs, predictions),
            *describe_conditions(conditions, params),
            *describe_novelty(predictions, params),
            *describe_evidence(predictions, params),
        ],
    }


def describe_novelty(predictions: Sequence[StreamPrediction], params: ClassifyParams) -> Iterator[str]:
    """A sentence of the windows that look like nothing that was learned, of people or the whole frame each; or none."""
    known = [one for one in predictions if one.stream == "flow" and np.isfinite(one.novelty)]
    known = known or [one for one in predictions if np.isfinite(one.novelty)]
    strange = sum(one.novelty > params.max_novelty for one in known)
    if strange:
        yield (
            f"{UNFAMILIAR}: {strange} of {len(known)} windows are farther from all labelled segments than "
            f"{params.max_novelty:.0%} of these are from those of other videos; none of their labels is confident."
        )


def write_notes(inputs: ClassificationInputs, predictions: Sequence[StreamPrediction]) -> list[str]:
    """Sentences that say why predictions are missing; empty where none is."""
    windows, people = inputs.subjects.frame_windows, inputs.subjects.people
    if not windows:
        return ["No frame came out whole, so there is nothing to classify."]
    found: list[str] = []
    seconds = inputs.params.window_length / inputs.params.fps
    repeated = sum(window.looped for window in windows)
    if repeated and all(window.shot == (0, len(inputs.frames) - 1) for window in windows):
        found.append(f"The video is shorter than a window of {seconds:.2g} s and was repeated to fill it.")
    elif repeated:
        found.append(
            f"{repeated} of {len(windows)} windows are in shots shorter than {seconds:.2g} s, repeated to fill them."
        )
    if any(_skips_frames(inputs, *both) for both in pairwise(windows)):
        found.append(f"{len(windows)} windows of {seconds:.2g} s, evenly spread, stand for the whole video.")
    alone = len(inputs.subjects.unattended) if inputs.has_team_labels else 0
    if inputs.model.region == "person" and alone:
        which = "every window" if alone == len(windows) else f"{alone} of {len(windows)} windows"
        found.append(f"In {which} nobody is tracked for long enough, so the whole frame was classified.")
    if any(prediction.stream == "flow" for prediction in predictions):
        return found
    if inputs.model.temporal is None:
        found.append("The model has no motion stream.")
    elif inputs.model.region == "person" and not alone and not people:
        nobody = "nobody is tracked for .4 s" if inputs.params.max_people else "classify.max_people is 0"
        found.append(f"Motion is classified person by person, and {nobody}.")
    else:
        found.append("Motion could not be classified: no window holds .4 s of flow without a cut or a gap.")
    return found


def _skips_frames(inputs: ClassificationInputs, one: ClipWindow, following: ClipWindow) -> bool:
    """Whether a stretch between two windows belongs to no window, other than a shot shorter than MIN_SHOT_S.

    A frame that falls between two instants of a window's rate is no such stretch.
    """
    pts_s = inputs.frames.pts_s
    if one.shot == following.shot:
        step = max(1 / inputs.params.fps, float(np.median(np.diff(pts_s))))
        return bool(pts_s[following.first] - pts_s[one.last] > 2 * step)
    return bool(pts_s[following.shot[0]] - pts_s[one.shot[1]] > MIN_SHOT_S)
