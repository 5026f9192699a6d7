"""Where one thing is in every frame, by the label maps of a fitted field.

A thing is a value of the maps. Where values are classes and labels came from tracks, it is what of its class lies in
its track's box and not nearer to another track's of the class. Between maps the nearest one is carried along the flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.apps.video_artifacts import VideoArtifacts
from tasks.arrays import Mask
from tasks.artifacts.semantic_field import FieldMap
from tasks.errors import SemflowError
from tasks.fit_field.frame_motion import MapMotion
from tasks.geometry.warp import pixel_grid

BOX_MARGIN = 0.15  # of a box's sides: by this much a thing may stand out of it


@dataclass(frozen=True, eq=False)
class FieldObject:
    """One thing, or all of a class."""

    shelf: VideoArtifacts
    value: int
    """In the maps."""
    track_id: int | None
    """Whose boxes part it from others of its class; None where the value is the thing."""
    name: str

    def mask(self, frame: int) -> Mask | None:
        """(h, w) at working size; None where the field knows nothing of the frame."""
        field, frames = self.shelf.field, self.shelf.frames
        row = self._row(frame)
        if row is None:
            return None
        found = field.map(row)
        mask = warp_map(self.shelf, self._shaped(found).astype(np.uint8), found.frame, frame)
        if mask is None:
            return None
        large: NDArray[Any] = cv2.resize(mask.astype(np.float32), (frames.width, frames.height))
        return large > 0.5

    def _row(self, frame: int) -> int | None:
        """Of the nearest map that no cut parts from the frame."""
        frames = self.shelf.field.frames
        for row in np.argsort(np.abs(frames - frame), kind="stable").tolist():
            first, last = sorted((int(frames[row]), frame))
            if not self.shelf.dense_flow.cut[first:last].any():
                return row
        return None

    def _shaped(self, found: FieldMap) -> Mask:
        """(h, w) of the map, where the thing is."""
        mask = found.label == self.value
        if self.track_id is None:
            return mask
        return mask & self._own(found.frame, mask.shape)

    def _own(self, frame: int, shape: tuple[int, ...]) -> Mask:
        """(h, w) nearer to the thing's box, in its sizes, than to any other of its class, and in or just around it."""
        tracks, (x_scale, y_scale) = self.shelf.tracks, self.shelf.field.scale
        of_class = tracks.class_name == self.name
        rows = np.flatnonzero((tracks.frame == frame) & of_class)
        own = np.flatnonzero(tracks.track_id[rows] == self.track_id)
        if not len(own):
            return np.zeros(shape, np.bool_)
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        x, y = (x + 0.5) / x_scale - 0.5, (y + 0.5) / y_scale - 0.5
        away: list[NDArray[np.float32]] = []
        for x1, y1, x2, y2 in tracks.xyxy[rows]:
            across = np.abs(x - (x1 + x2) / 2) / max(x2 - x1, 1) * 2
            away.append(np.maximum(across, np.abs(y - (y1 + y2) / 2) / max(y2 - y1, 1) * 2))
        distance = np.stack(away)
        return (distance.argmin(axis=0) == own[0]) & (distance[own[0]] <= 1 + BOX_MARGIN)


def warp_map(shelf: VideoArtifacts, values: NDArray[Any], source: int, frame: int) -> NDArray[Any] | None:
    """(h, w) values of a map of frame `source` on another frame, along the flow; None where a frame between is missing.

    Each pixel takes the value of one place: labels are not mixed.
    """
    if frame == source:
        return values
    height, width = values.shape
    pair = MapMotion(shelf.dense_flow, None, sorted((source, frame)), height, width)
    motion = pair.motion_to_next(0)
    if motion is None:
        return None
    at = pixel_grid(height, width) + (motion.backward if frame > source else motion.forward)
    remap: Any = cv2.remap
    return remap(values, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)


def find_object(shelf: VideoArtifacts, instance: int | None, name: str | None) -> FieldObject:
    """What `--instance` and `--class` name; SemflowError where it is not there, or where neither is given."""
    classes = shelf.field.metadata.classes
    if instance is None:
        if name is None:
            raise SemflowError("what is meant must be named by --instance N, --class NAME or both, got neither")
        return FieldObject(shelf, _class_value(shelf, name), None, name)
    numbers = [one.track_id if one.track_id is not None else number for number, one in enumerate(classes)]
    by_track = shelf.field.metadata.source == "tracks" and all(one.track_id is None for one in classes)
    if by_track:
        return _find_track(shelf, instance, name)
    if instance not in numbers[1:]:
        there = ", ".join(f"{number} ({one.name})" for number, one in zip(numbers[1:], classes[1:], strict=True))
        raise SemflowError(f"--instance must be one of {there or 'none'}, got {instance}")
    found = FieldObject(shelf, numbers.index(instance, 1), None, classes[numbers.index(instance, 1)].name)
    return _check_class(found, name)


def _find_track(shelf: VideoArtifacts, instance: int, name: str | None) -> FieldObject:
    tracks = shelf.tracks
    rows = np.flatnonzero(tracks.track_id == instance)
    if not len(rows):
        some = ", ".join(map(str, np.unique(tracks.track_id).tolist()[:20])) or "none"
        raise SemflowError(f"--instance must be a track of {shelf.video!r} ({some}), got {instance}; see its report")
    names, counts = np.unique(tracks.class_name[rows].astype(str), return_counts=True)
    kind = str(names[counts.argmax()])
    return _check_class(FieldObject(shelf, _class_value(shelf, kind), instance, kind), name)


def _check_class(found: FieldObject, name: str | None) -> FieldObject:
    if name is not None and name != found.name:
        raise SemflowError(f"--class must be that of the instance, {found.name!r}, got {name!r}; leave it out")
    return found


def _class_value(shelf: VideoArtifacts, name: str) -> int:
    names = [one.name for one in shelf.field.metadata.classes]
    if name not in names[1:]:
        raise SemflowError(f"--class must be one of {', '.join(names[1:])}, which the field knows, got {name!r}")
    return names.index(name, 1)
