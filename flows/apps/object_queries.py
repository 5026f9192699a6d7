"""The mask of one object in every frame, from the label maps of a fitted field.

An object is a value of the maps. Where values are classes and seed labels came from tracks, it is the part of its class
inside (or just around) its track's box that is not nearer to the box of another track of the class. In frames between
two maps, the nearest map is warped along dense flow.
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

BOX_MARGIN = 0.15  # of a box's sides, by which an object may extend beyond its box


@dataclass(frozen=True, eq=False)
class FieldObject:
    """One object, or all objects of a class."""

    artifacts: VideoArtifacts
    value: int
    """Its value in the label maps."""
    track_id: int | None
    """The track whose boxes separate it from others of its class; None where the value alone identifies it."""
    name: str

    def mask(self, frame: int) -> Mask | None:
        """(h, w) mask of the object in a frame, at working size; None where no map can be warped to it."""
        field, frames = self.artifacts.field, self.artifacts.frames
        row = self._nearest_row(frame)
        if row is None:
            return None
        found = field.map(row)
        mask = warp_map(self.artifacts, self._map_mask(found).astype(np.uint8), found.frame, frame)
        if mask is None:
            return None
        large: NDArray[Any] = cv2.resize(mask.astype(np.float32), (frames.width, frames.height))
        return large > 0.5  # noqa: PLR2004  most of the bilinear weight

    def _nearest_row(self, frame: int) -> int | None:
        """The row of the map nearest in time in the same shot; None where there is none."""
        frames = self.artifacts.field.frames
        for row in np.argsort(np.abs(frames - frame), kind="stable").tolist():
            first, last = sorted((int(frames[row]), frame))
            if not self.artifacts.shots.boundary[first:last].any():
                return row
        return None

    def _map_mask(self, found: FieldMap) -> Mask:
        """(h, w) mask of the object in a map, at the size of the map."""
        mask = found.label == self.value
        if self.track_id is None:
            return mask
        return mask & self._nearest_box_mask(found.frame, mask.shape)

    def _nearest_box_mask(self, frame: int, shape: tuple[int, ...]) -> Mask:
        """(h, w) pixels nearest to the track's box among the boxes of its class, and inside it or in its margin.

        Distances are relative to each box's half width and half height.
        """
        tracks, (x_scale, y_scale) = self.artifacts.tracks, self.artifacts.field.scale
        of_class = tracks.class_name == self.name
        rows = np.flatnonzero((tracks.frame == frame) & of_class)
        own = np.flatnonzero(tracks.track_id[rows] == self.track_id)
        if not len(own):
            return np.zeros(shape, np.bool_)
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        x, y = (x + 0.5) / x_scale - 0.5, (y + 0.5) / y_scale - 0.5
        distances: list[NDArray[np.float32]] = []
        for x1, y1, x2, y2 in tracks.xyxy[rows]:
            across = np.abs(x - (x1 + x2) / 2) / max(x2 - x1, 1) * 2
            distances.append(np.maximum(across, np.abs(y - (y1 + y2) / 2) / max(y2 - y1, 1) * 2))
        distance = np.stack(distances)
        return (distance.argmin(axis=0) == own[0]) & (distance[own[0]] <= 1 + BOX_MARGIN)


def warp_map(artifacts: VideoArtifacts, values: NDArray[Any], source: int, frame: int) -> NDArray[Any] | None:
    """(h, w) values of a map of frame `source`, warped to `frame` along dense flow; None where flow is missing between.

    Nearest-neighbour sampling, so that labels are not mixed.
    """
    if frame == source:
        return values
    height, width = values.shape
    pair = MapMotion(artifacts.dense_flow, None, sorted((source, frame)), height, width)
    motion = pair.motion_to_next(0)
    if motion is None:
        return None
    at = pixel_grid(height, width) + (motion.backward if frame > source else motion.forward)
    remap: Any = cv2.remap
    return remap(values, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)


def find_object(artifacts: VideoArtifacts, instance: int | None, name: str | None) -> FieldObject:
    """The object named by `--instance` and `--class`; SemflowError where it is unknown, or neither is given."""
    classes = artifacts.field.metadata.classes
    if instance is None:
        if name is None:
            raise SemflowError("the object must be named by --instance N, --class NAME or both, got neither")
        return FieldObject(artifacts, _class_value(artifacts, name), None, name)
    numbers = [one.track_id if one.track_id is not None else number for number, one in enumerate(classes)]
    by_track = artifacts.field.metadata.source == "tracks" and all(one.track_id is None for one in classes)
    if by_track:
        return _find_track(artifacts, instance, name)
    if instance not in numbers[1:]:
        there = ", ".join(f"{number} ({one.name})" for number, one in zip(numbers[1:], classes[1:], strict=True))
        raise SemflowError(f"--instance must be one of {there or 'none'}, got {instance}")
    found = FieldObject(artifacts, numbers.index(instance, 1), None, classes[numbers.index(instance, 1)].name)
    return _check_class(found, name)


def _find_track(artifacts: VideoArtifacts, instance: int, name: str | None) -> FieldObject:
    """The object of a track, in a field whose values are classes."""
    tracks = artifacts.tracks
    rows = np.flatnonzero(tracks.track_id == instance)
    if not len(rows):
        some = ", ".join(map(str, np.unique(tracks.track_id).tolist()[:20])) or "none"
        raise SemflowError(
            f"--instance must be a track of {artifacts.video!r} ({some}), got {instance}; see its report"
        )
    names, counts = np.unique(tracks.class_name[rows].astype(str), return_counts=True)
    kind = str(names[counts.argmax()])
    return _check_class(FieldObject(artifacts, _class_value(artifacts, kind), instance, kind), name)


def _check_class(found: FieldObject, name: str | None) -> FieldObject:
    if name is not None and name != found.name:
        raise SemflowError(f"--class must be that of the instance, {found.name!r}, got {name!r}; leave it out")
    return found


def _class_value(artifacts: VideoArtifacts, name: str) -> int:
    names = [one.name for one in artifacts.field.metadata.classes]
    if name not in names[1:]:
        raise SemflowError(f"--class must be one of {', '.join(names[1:])}, which the field knows, got {name!r}")
    return names.index(name, 1)
