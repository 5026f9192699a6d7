"""From a stage's artifacts to a clip with labels, and from its label maps to the artifact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tasks.artifacts.artifact import Streamed
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_field import NEARNESS, FieldClass, FieldFacts, FieldMap, SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.tracks import Tracks
from tasks.fit_field.anchor import Anchoring, Instances
from tasks.fit_field.clip import Clip
from tasks.fit_field.complete import attended, completed, task_of
from tasks.fit_field.given import given_classes, given_labels
from tasks.fit_field.how import DEFAULT, How
from tasks.fit_field.labels import Labels
from tasks.fit_field.links import Links
from tasks.fit_field.order import events, nearness
from tasks.fit_field.tracked import Subject, labels_from, subjects_of
from tasks.geometry.raster import scaled

if TYPE_CHECKING:
    from tasks.fit_field.stage import FitFieldParams


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the stage reads."""

    frames: Frames
    dense_flow: DenseFlow
    features: Features
    semantic_flow: SemanticFlow
    tracks: Tracks
    field_labels: FieldLabels


@dataclass(frozen=True, eq=False)
class _Known:
    """Labels to start from."""

    classes: tuple[FieldClass, ...]
    labels: Mapping[int, Labels]
    """Frame to (h, w) values at the maps' size."""
    kinds: tuple[frozenset[int], ...]
    """Per value the segmenter's classes that it may be made of."""
    source: str


def fitted(inputs: Inputs, params: FitFieldParams) -> Streamed[SemanticField]:
    """The field of a video, written map by map."""
    frames = inputs.frames
    height, width = map_size(frames.height, frames.width, params.side)
    known = _known(inputs, params, height, width)
    takes = [take for take in takes_of(inputs, params.every, known.labels) if not known.labels.keys().isdisjoint(take)]
    facts = FieldFacts(
        frame_count=len(frames),
        frame_width=frames.width,
        frame_height=frames.height,
        width=width,
        height=height,
        classes=known.classes,
        source=known.source if takes else "none",
        reason=None if takes else _reason(inputs, params),
    )
    metrics: dict[str, float] = {}
    maps = _maps(inputs, params, known, takes, metrics)
    return SemanticField.stream(maps, facts, metrics)


def _maps(
    inputs: Inputs, params: FitFieldParams, known: _Known, takes: Sequence[list[int]], metrics: dict[str, float]
) -> Iterator[FieldMap]:
    """The maps of each take, which is fitted by itself; fills `metrics` with means over the frames of takes."""
    height, width = map_size(inputs.frames.height, inputs.frames.width, params.side)
    seen = seen_by(inputs.frames, params, height, width)
    total: dict[str, list[tuple[float, int]]] = {}
    hiding = np.zeros((len(known.classes),) * 2)
    for take in takes:
        labels = {place: known.labels[frame] for place, frame in enumerate(take) if frame in known.labels}
        links = Links(inputs.dense_flow, inputs.semantic_flow, take, height, width)
        anchor = Anchoring(partial(_on_take, seen, take), known.kinds) if params.feed_masks else None
        clip = _clip(inputs.features, links, take, height, width)
        task = attended(task_of(clip, labels, len(known.classes), how_of(params), anchor))
        for name, value in task.metrics.items():
            total.setdefault(name, []).append((value, len(take)))
        before: tuple[int, Labels] | None = None
        for place, found in enumerate(completed(task)):
            if found is None:
                continue
            motion = clip.step(place - 1, place) if before is not None and before[0] == place - 1 else None
            if before is not None and motion is not None:
                hiding += events(before[1], found.label, motion, len(known.classes))
            before = place, found.label
            yield FieldMap(take[place], found.label, found.confidence, given=place in labels)
    for name, parts in total.items():
        metrics[name] = sum(value * frames for value, frames in parts) / sum(frames for _, frames in parts)
    metrics.update({f"{NEARNESS}{n}": float(near) for n, near in enumerate(nearness(hiding)) if np.isfinite(near)})


def _on_take(seen: Callable[[int], Instances], take: Sequence[int], place: int) -> Instances:
    return seen(take[place])


def takes_of(inputs: Inputs, every: int, labels: Mapping[int, Labels]) -> list[list[int]]:
    """Frames that get a map, take by take: the whole ones among every n-th and the labelled, parted at cuts.

    What one take shows says little about the next; a take without a label stays without maps.
    """
    frames = inputs.frames
    wanted = sorted({*range(0, len(frames), every), *(frame for frame in labels if frame < len(frames))})
    take_number = np.concatenate([[0], np.cumsum(inputs.dense_flow.cut)])
    takes: dict[int, list[int]] = {}
    for frame in wanted:
        if frames.ok[frame] and inputs.features.vectors(frame) is not None:
            takes.setdefault(int(take_number[frame]), []).append(frame)
    return list(takes.values())


def how_of(params: FitFieldParams) -> How:
    """The field's numbers with the switches of `params`."""
    return replace(DEFAULT, attention=params.attention, consistency=params.consistency)


def map_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of maps whose longer side is `side` at most."""
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def seen_by(frames: Frames, params: FitFieldParams, height: int, width: int) -> Callable[[int], Instances]:
    """What the segmenter sees on a frame, at the maps' size."""
    from tasks.yolo.segment import load_segmenter

    @lru_cache(maxsize=4)
    def seen(frame: int) -> Instances:
        found = load_segmenter()(frames.image(frame), params.segment_side, params.least_score)
        masks = [
            cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
            for mask in found.masks
        ]
        return Instances(np.array(masks, np.bool_).reshape(-1, height, width), found.score, found.class_id)

    return seen


def _known(inputs: Inputs, params: FitFieldParams, height: int, width: int) -> _Known:
    user = params.labels == "user" or (params.labels == "auto" and bool(inputs.field_labels.frames))
    if user:
        labels = given_labels(inputs.field_labels, inputs.frames, height, width)
        classes = given_classes(inputs.field_labels, labels)
        return _Known(classes, labels, tuple(frozenset[int]() for _ in classes), "user")
    subjects = subjects_of(inputs.tracks, params.value, params.values)

    seen = seen_by(inputs.frames, params, height, width) if params.outline == "masks" else None

    keys = [
        frame
        for frame in range(0, len(inputs.frames), params.label_every)
        if inputs.frames.ok[frame] and inputs.features.vectors(frame) is not None
    ]
    labels = labels_from(inputs.tracks, subjects, keys, seen, (height, width), params.least_score)
    background = FieldClass("background")
    kinds = (frozenset[int](), *(frozenset({subject.class_id}) for subject in subjects))
    return _Known((background, *(_class(subject) for subject in subjects)), labels, kinds, "tracks")


def _class(subject: Subject) -> FieldClass:
    return FieldClass(subject.name, subject.track_id)


def _clip(features: Features, links: Links, chosen: list[int], height: int, width: int) -> Clip:
    facts = features.facts
    return Clip(
        length=len(chosen),
        height=height,
        width=width,
        cells=scaled(facts.grid, facts.height, facts.width, height, width),
        grids=lambda place: features.vectors(chosen[place]),
        motion=links.motion,
        direct=links.skip,
    )


def _reason(inputs: Inputs, params: FitFieldParams) -> str:
    if not inputs.frames.ok.any():
        return "no frame of the video is whole"
    if params.labels == "user" or inputs.field_labels.frames:
        return "no frame that the user labelled is whole, or nothing on it is known; see data/labels/"
    return (
        "nothing was tracked on the frames that would be labelled; put masks of a few frames into "
        "data/labels/<video>/, or lower fit_field.least_score"
    )
