"""Looks as rows of the table, and what a person should know about them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tasks.artifacts.actions import STREAMS, Actions
from tasks.classify.classification_inputs import ClassificationInputs
from tasks.classify.person_selection import select_present
from tasks.classify.stream_prediction import StreamPrediction
from tasks.streams.video_clips import MIN_SHOT_S, ClipWindow


def build_action_table(viewing: ClassificationInputs, looks: Sequence[StreamPrediction]) -> Actions:
    """The best labels of `looks`, ordered."""
    frames, params, stretches = viewing.frames, viewing.params, viewing.windows
    facts: dict[str, Any] = {
        "frame_count": len(frames),
        "width": frames.width,
        "height": frames.height,
        "network": params.network,
        "confident_from": params.min_probability,
        "notes": write_notes(viewing, looks),
    }
    if not looks:
        return Actions.empty(**facts)
    ordered = sorted(looks, key=lambda look: (look.window, STREAMS.index(look.stream), look.track_id))
    rows = [(look, rank, int(label)) for look in ordered for rank, label in enumerate(look.best)]
    spans = [(stretches[look.window].first, stretches[look.window].last) for look, _, _ in rows]
    first, last = np.array(spans, np.int32).T
    rank = np.array([rank + 1 for _, rank, _ in rows], np.int16)
    probability = np.array([look.probabilities[label] for look, _, label in rows], np.float32)
    evidence = [look.evidence[rank] for look, rank, _ in rows]
    square = np.array([each.square for each in evidence], np.float32)
    return Actions(
        window=np.array([look.window for look, _, _ in rows], np.int32),
        first_frame=first,
        last_frame=last,
        start_s=frames.pts_s[first],
        end_s=frames.pts_s[last],
        looped=np.array([stretches[look.window].looped for look, _, _ in rows], np.bool_),
        stream=np.array([look.stream for look, _, _ in rows], object),
        track_id=np.array([look.track_id for look, _, _ in rows], np.int32),
        vocabulary=np.array([look.vocabulary for look, _, _ in rows], object),
        rank=rank,
        label=np.array([look.labels[label] for look, _, label in rows], object),
        probability=probability,
        confident=(rank == 1) & (probability >= np.float32(params.min_probability)),
        x1=square[:, 0],
        y1=square[:, 1],
        x2=square[:, 2],
        y2=square[:, 3],
        cam_frame=np.array([each.frame for each in evidence], np.int32),
        cam=np.stack([each.cam for each in evidence]),
        **facts,
    )


def write_notes(viewing: ClassificationInputs, looks: Sequence[StreamPrediction]) -> list[str]:
    """Why there is less than one might expect, in sentences; none where there is not."""
    windows = viewing.windows
    if not windows:
        return ["No frame came out whole, so there is nothing to judge."]
    found: list[str] = []
    seconds = viewing.params.window / viewing.params.fps
    repeated = sum(window.looped for window in windows)
    if repeated and not viewing.dense_flow.cut.any():
        found.append(f"The video is shorter than a window of {seconds:.2g} s and was repeated to fill it.")
    elif repeated:
        found.append(
            f"{repeated} of {len(windows)} windows are in shots shorter than {seconds:.2g} s, repeated to fill them."
        )
    if any(_skips_frames(viewing, *both) for both in pairwise(windows)):
        found.append(f"{len(windows)} windows of {seconds:.2g} s, evenly spread, stand for the whole video.")
    alone = sum(viewing.looks_at_frame(window) for window in windows)
    if viewing.model.region == "person" and alone:
        which = "every window" if alone == len(windows) else f"{alone} of {len(windows)} windows"
        found.append(f"In {which} nobody is tracked for long enough, so the whole frame was looked at.")
    if any(look.stream == "flow" for look in looks):
        return found
    if viewing.model.temporal is None:
        found.append("The model has no motion stream.")
    elif (
        viewing.model.region == "person"
        and not alone
        and not any(select_present(viewing.people, window) for window in windows)
    ):
        nobody = "nobody is tracked through half of a window" if viewing.params.people else "classify.people is 0"
        found.append(f"Motion is judged person by person, and {nobody}.")
    else:
        found.append("Motion could not be judged: no window holds .4 s of flow without a cut or a gap.")
    return found


def _skips_frames(viewing: ClassificationInputs, one: ClipWindow, following: ClipWindow) -> bool:
    """Whether frames between two windows go unseen that are not just a shot too short to be looked at."""
    if one.shot == following.shot:
        return following.first > one.last + 1
    pts_s = viewing.frames.pts_s
    return bool(pts_s[following.shot[0]] - pts_s[one.shot[1]] > MIN_SHOT_S)
