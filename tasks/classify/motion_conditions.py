"""Whether a person is filmed as the people were whom the pretrained motions were tried on: large, by a calm camera.

Elsewhere the motion stream is as sure and wrong: on walkers of 30 to 80 pixels, filmed from a moving tram, six of ten
windows had a first label above one half ("squat", "kick"), and one of them was right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.classify.classification_inputs import ClassificationInputs
from tasks.classify.params import ClassifyParams
from tasks.classify.person_selection import SubjectTrack
from tasks.classify.stream_prediction import StreamPrediction
from tasks.streams.video_clips import ClipWindow

PRETRAINED = "synthetic"
"""Vocabulary of the motion stream where a team has no labels of its own."""
SMALL_PEOPLE, MOVING_CAMERA = "People are small", "The camera moves"
"""Beginnings of the sentences of `describe_conditions`, by which `semflow run` finds them."""
GRID_SIDE = 3  # points across and down the picture, at which the camera's motion is measured


@dataclass(frozen=True)
class MotionConditions:
    """How a person is filmed in one window."""

    body_px: float
    """Median height of the person's box, working-size pixels."""
    camera_speed: float
    """Median motion of the picture by the camera, picture widths per second."""

    def is_small(self, params: ClassifyParams) -> bool:
        """Whether the body is too small to believe its label."""
        return self.body_px < params.min_body_px

    def is_moving(self, params: ClassifyParams) -> bool:
        """Whether the camera moves too fast to believe the label."""
        return self.camera_speed > params.max_camera_speed


def measure_conditions(
    inputs: ClassificationInputs, predictions: Iterable[StreamPrediction]
) -> dict[tuple[int, int], MotionConditions]:
    """(window, track_id) of each person whom the pretrained motion stream judged, to how they are filmed."""
    judged = {(one.window, one.track_id) for one in predictions if one.vocabulary == PRETRAINED}
    found: dict[tuple[int, int], MotionConditions] = {}
    for number in sorted({number for number, _ in judged}):
        window = inputs.windows[number]
        speed = measure_camera_speed(inputs.dense_flow, inputs.frames, window)
        for person in inputs.list_people(number):
            if (number, person.track_id) in judged:
                found[number, person.track_id] = MotionConditions(_measure_body(person, window), speed)
    return found


def measure_camera_speed(dense_flow: DenseFlow, frames: Frames, window: ClipWindow) -> float:
    """Median motion of points of the picture by the camera over the pairs of a window, picture widths per second."""
    x, y = np.meshgrid(np.linspace(0, frames.width - 1, GRID_SIDE), np.linspace(0, frames.height - 1, GRID_SIDE))
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    moved = dense_flow.cameras[window.first : window.last] @ points
    offsets = moved[:, :2] / moved[:, 2:] - points[:2]
    steps_s = np.diff(frames.pts_s[window.first : window.last + 1])
    speeds = np.hypot(offsets[:, 0], offsets[:, 1]).mean(axis=1) / steps_s / frames.width
    return float(np.median(speeds)) if len(speeds) else 0.0


def describe_conditions(
    conditions: Mapping[tuple[int, int], MotionConditions], params: ClassifyParams
) -> Iterable[str]:
    """Sentences for those who read the labels; none where everybody is filmed well."""
    small = sum(one.is_small(params) for one in conditions.values())
    moving = sum(one.is_moving(params) for one in conditions.values())
    if small:
        yield (
            f"{SMALL_PEOPLE}: {small} of {len(conditions)} motion labels are of bodies below {params.min_body_px:g} "
            "pixels, on which the pretrained motions are often wrong; none of them is called confident."
        )
    if moving:
        yield (
            f"{MOVING_CAMERA}: {moving} of {len(conditions)} motion labels are of windows in which the picture moves "
            f"by more than {params.max_camera_speed:.0%} of its width a second; none of them is called confident."
        )


def _measure_body(person: SubjectTrack, window: ClipWindow) -> float:
    boxes = person.xyxy[np.isin(person.frames, window.frames)]
    return float(np.median(boxes[:, 3] - boxes[:, 1]))
