"""A person's masks and points as labels at the size of the maps."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.arrays import LabelMap
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_field import FieldClass
from tasks.errors import BadInput
from tasks.sequence.label_map import UNKNOWN

POINT_RADIUS_PX = 4.0  # of the maps: half a cell of features around a point is what it is
ASPECT_TOLERANCE = 0.03  # by which a mask's proportions may differ from the frame's: sizes are rounded


def rasterize_user_labels(given: FieldLabels, frames: Frames, height: int, width: int) -> dict[int, LabelMap]:
    """Frame to (h, w) classes; BadInput where a mask or a point is of no frame, or a mask of another shape."""
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
    return found


def name_user_classes(given: FieldLabels, labels: dict[int, LabelMap]) -> tuple[FieldClass, ...]:
    """As many classes as the largest value asks for, named as far as names were given."""
    largest = max((int(seen[seen != UNKNOWN].max(initial=0)) for seen in labels.values()), default=0)
    unnamed = ["background", *(f"class {number}" for number in range(1, largest + 1))]
    return tuple(FieldClass(name) for name in (*given.names, *unnamed[len(given.names) :]))
