"""Seed labels: the label maps of a few frames from which all others are propagated.

They are the user's masks and points (`data/labels/<video>/`), or pseudo-labels rasterised from tracked objects
(track_labels.py). Both are resampled to the size of the field's maps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tasks.arrays import LabelMap
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_field import FieldClass
from tasks.checkpoints import Checkpoints
from tasks.errors import BadInput
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.params import FitFieldParams
from tasks.fit_field.track_labels import LabelSubject, rasterize_tracks, select_subjects
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.label_propagation.mask_refinement import InstanceMasks, MaskReliability, measure_mask_reliability
from tasks.sequence.label_map import UNKNOWN, encode_one_hot

LABELS_CHECKPOINT = "labels.npz"
POINT_RADIUS_PX = 4.0  # of a disc around a labelled point, in map pixels: half a cell of the features
MEASURED_FRAMES = 3  # labelled by the user, on which instance masks are compared with the labels
ASPECT_TOLERANCE = 0.03  # by which a mask's aspect ratio may differ from the frame's: sizes are rounded


@dataclass(frozen=True, eq=False)
class SeedLabels:
    """The classes of a field, and the label maps of the frames where they are known."""

    classes: tuple[FieldClass, ...]
    """One per value of the maps; the first is the background."""
    labels: Mapping[int, LabelMap]
    """Frame number to (h, w) values, UNKNOWN where nothing is known."""
    reliability: tuple[MaskReliability, ...]
    """Per value what its instance masks are worth in other frames; for the user's classes it is to be measured."""
    source: str
    """user or tracks."""


def load_seed_labels(
    inputs: FieldInputs, params: FitFieldParams, size: tuple[int, int], checkpoints: Checkpoints
) -> SeedLabels:
    """The seed labels at `size` (height, width).

    Those from tracks need a run of the segmenter each, so they are kept in `checkpoints`.
    """
    if params.labels == "user" or (params.labels == "auto" and bool(inputs.field_labels.frames)):
        labels = rasterize_user_labels(inputs.field_labels, inputs.frames, *size)
        classes = name_user_classes(inputs.field_labels, labels)
        return SeedLabels(classes, _drop_empty(labels), tuple(MaskReliability() for _ in classes), "user")
    subjects = select_subjects(inputs.tracks, params.value_kind, params.max_labels)

    def write(path: Path) -> None:
        found = _rasterize_tracks(inputs, params, subjects, size)
        arrays: dict[str, Any] = {str(frame): labels for frame, labels in found.items()}
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)

    with np.load(checkpoints.get_or_write(LABELS_CHECKPOINT, write)) as file:
        labels = {int(frame): file[frame] for frame in file.files}
    background = FieldClass("background")
    # A label that is an instance's mask agrees with it; an ellipse says nothing about masks.
    agreement = {"recall": 1.0, "precision": 1.0} if params.label_outline == "masks" else {}
    of_subjects = (MaskReliability(frozenset({subject.class_id}), **agreement) for subject in subjects)
    classes = (background, *(FieldClass(subject.name, subject.track_id) for subject in subjects))
    return SeedLabels(classes, labels, (MaskReliability(), *of_subjects), "tracks")


def rasterize_user_labels(given: FieldLabels, frames: Frames, height: int, width: int) -> dict[int, LabelMap]:
    """Frame number to (h, w) classes: the user's mask, nearest-neighbour resampled, and a disc at each point.

    BadInput where a mask or a point belongs to no frame, a mask has another aspect ratio than the frames, or all labels
    are of one class.
    """
    given.check_frames(len(frames), frames.height, frames.width)
    found: dict[int, LabelMap] = {}
    for frame in given.frames:
        mask = given.mask(frame)
        labels = np.full((height, width), UNKNOWN, np.uint8)
        if mask is not None:
            if abs(mask.shape[1] / mask.shape[0] * frames.height / frames.width - 1) > ASPECT_TOLERANCE:
                raise BadInput(
                    f"the mask of frame {frame} must have the frame's proportions, {frames.width}x{frames.height}, got "
                    f"{mask.shape[1]}x{mask.shape[0]}"
                )
            labels = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
        for x, y, label in given.points_of(frame):
            centre = round((x + 0.5) * width / frames.width - 0.5), round((y + 0.5) * height / frames.height - 0.5)
            cv2.circle(labels, centre, round(POINT_RADIUS_PX), int(label), cv2.FILLED)
        found[frame] = labels
    _check_classes(found)
    return found


def _check_classes(labels: dict[int, LabelMap]) -> None:
    """BadInput where all labels are of one class: every map would be of that class, wherever the object is."""
    values = set[int]().union(*(np.unique(found).tolist() for found in labels.values()))
    classes = values - {UNKNOWN}
    if len(classes) == 1:
        hint = f"; {UNKNOWN} in a mask means unlabelled: save the object as 1" if UNKNOWN in values else ""
        raise BadInput(
            f"labels must be of two classes or more, 0 for the background and 1, 2, ... for objects, got class "
            f"{min(classes)} alone{hint}"
        )


def name_user_classes(given: FieldLabels, labels: dict[int, LabelMap]) -> tuple[FieldClass, ...]:
    """The classes 0 to the largest value in `labels`, with the user's names and then default ones."""
    largest = max((int(found[found != UNKNOWN].max(initial=0)) for found in labels.values()), default=0)
    unnamed = ["background", *(f"class {number}" for number in range(1, largest + 1))]
    return tuple(FieldClass(name) for name in (*given.names, *unnamed[len(given.names) :]))


def make_instance_segmenter(
    frames: Frames, params: FitFieldParams, size: tuple[int, int]
) -> Callable[[int], InstanceMasks]:
    """A function of the frame number: instance masks by YOLO26n-seg at `size`, cached for the frames of a window."""
    from tasks.yolo.instance_segmentation import load_segmenter

    height, width = size

    @lru_cache(maxsize=2 * params.window)  # each is read by the forward pass, the backward pass and for the final map
    def segment(frame: int) -> InstanceMasks:
        found = load_segmenter()(frames.image(frame), params.segment_side, params.min_score)
        masks = [
            cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5  # noqa: PLR2004  most of the pixel's area
            for mask in found.masks
        ]
        return InstanceMasks(np.array(masks, np.bool_).reshape(-1, height, width), found.score, found.class_id)

    return segment


def measure_user_masks(
    seeds: SeedLabels, segment: Callable[[int], InstanceMasks], is_whole: Callable[[int], bool]
) -> SeedLabels:
    """The user's seed labels with the reliability of instance masks, measured on a few labelled frames."""
    frames = [frame for frame in sorted(seeds.labels) if is_whole(frame)]
    some = [frames[n] for n in pick_evenly(len(frames), MEASURED_FRAMES).tolist()]
    classes = len(seeds.classes)
    samples = ((encode_one_hot(seeds.labels[frame], classes), segment(frame)) for frame in some)
    return replace(seeds, reliability=measure_mask_reliability(samples, classes))


def explain_missing_seeds(inputs: FieldInputs, params: FitFieldParams) -> str:
    """Why no frame has a seed label, and what the user can do."""
    if not inputs.frames.ok.any():
        return "no frame of the video is whole"
    if params.labels == "user" or inputs.field_labels.frames:
        return "no frame that the user labelled is whole, or nothing on it is known; see data/labels/"
    return (
        "nothing was tracked on the frames that would be labelled; put masks of a few frames into "
        "data/labels/<video>/, or lower fit_field.min_score"
    )


def _rasterize_tracks(
    inputs: FieldInputs, params: FitFieldParams, subjects: tuple[LabelSubject, ...], size: tuple[int, int]
) -> dict[int, LabelMap]:
    segment = make_instance_segmenter(inputs.frames, params, size) if params.label_outline == "masks" else None
    chosen = [frame for frame in range(0, len(inputs.frames), params.label_every) if inputs.is_usable(frame)]
    return rasterize_tracks(inputs.tracks, subjects, chosen, segment, size, params.min_score)


def _drop_empty(labels: Mapping[int, LabelMap]) -> dict[int, LabelMap]:
    """Without the frames on which every pixel is unknown."""
    return {frame: found for frame, found in labels.items() if (found != UNKNOWN).any()}
