"""The labels that a video's field starts from: a person's, or what was tracked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tasks.arrays import LabelMap
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_field import FieldClass
from tasks.checkpoints import Checkpoints
from tasks.fit_field.field_inputs import FieldInputs
from tasks.fit_field.track_labels import LabelSubject, rasterize_tracks, select_subjects
from tasks.fit_field.user_labels import name_user_classes, rasterize_user_labels
from tasks.label_propagation.mask_refinement import InstanceMasks
from tasks.sequence.label_map import UNKNOWN

if TYPE_CHECKING:
    from tasks.fit_field.params import FitFieldParams

LABELS_CHECKPOINT = "labels.npz"


@dataclass(frozen=True, eq=False)
class SeedLabels:
    """Labels to start from."""

    classes: tuple[FieldClass, ...]
    labels: Mapping[int, LabelMap]
    """Frame to (h, w) values at the maps' size."""
    kinds: tuple[frozenset[int], ...]
    """Per value the segmenter's classes that it may be made of."""
    source: str


def load_seed_labels(
    inputs: FieldInputs, params: FitFieldParams, size: tuple[int, int], parts: Checkpoints
) -> SeedLabels:
    """The labels at the maps' size; those from tracks cost a segmentation each, and are kept among the `parts`."""
    if params.labels == "user" or (params.labels == "auto" and bool(inputs.field_labels.frames)):
        labels = rasterize_user_labels(inputs.field_labels, inputs.frames, *size)
        classes = name_user_classes(inputs.field_labels, labels)
        return SeedLabels(classes, _drop_empty(labels), tuple(frozenset[int]() for _ in classes), "user")
    subjects = select_subjects(inputs.tracks, params.value_kind, params.max_labels)

    def write(path: Path) -> None:
        drawn: dict[str, Any] = {
            str(frame): seen for frame, seen in _rasterize_tracks(inputs, params, subjects, size).items()
        }
        with path.open("wb") as file:
            np.savez_compressed(file, **drawn)

    with np.load(parts.get_or_write(LABELS_CHECKPOINT, write)) as file:
        labels = {int(frame): file[frame] for frame in file.files}
    background = FieldClass("background")
    kinds = (frozenset[int](), *(frozenset({subject.class_id}) for subject in subjects))
    return SeedLabels((background, *(_class(subject) for subject in subjects)), labels, kinds, "tracks")


def make_instance_segmenter(
    frames: Frames, params: FitFieldParams, size: tuple[int, int]
) -> Callable[[int], InstanceMasks]:
    """What the segmenter sees on a frame, at the maps' size; remembered for the frames of a window."""
    from tasks.yolo.instance_segmentation import load_segmenter

    height, width = size

    @lru_cache(maxsize=2 * params.window)  # each is asked for by two sweeps, and for what is shown
    def seen(frame: int) -> InstanceMasks:
        found = load_segmenter()(frames.image(frame), params.segment_side, params.min_score)
        masks = [
            cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
            for mask in found.masks
        ]
        return InstanceMasks(np.array(masks, np.bool_).reshape(-1, height, width), found.score, found.class_id)

    return seen


def explain_missing_seeds(inputs: FieldInputs, params: FitFieldParams) -> str:
    """Why there is nothing to start from, and what to do."""
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
    seen = make_instance_segmenter(inputs.frames, params, size) if params.label_outline == "masks" else None
    keys = [frame for frame in range(0, len(inputs.frames), params.label_every) if inputs.whole(frame)]
    return rasterize_tracks(inputs.tracks, subjects, keys, seen, size, params.min_score)


def _drop_empty(labels: Mapping[int, LabelMap]) -> dict[int, LabelMap]:
    """Those that say anything."""
    return {frame: seen for frame, seen in labels.items() if (seen != UNKNOWN).any()}


def _class(subject: LabelSubject) -> FieldClass:
    return FieldClass(subject.name, subject.track_id)
