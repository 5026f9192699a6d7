"""What the artifacts of a video hold within a window, as NumPy arrays aligned with the window's frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.reading.artifact_kinds import find_kind
from flows.reading.window_index import Window
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.table import Table
from tasks.errors import SemflowError

READABLE = ("frames", "dense_flow", "features", "detections", "tracks", "poses", "kinematics", "actions")
"""The artifacts that a window can hold."""
Values = dict[str, Any]


class VideoWindows:
    """The opened artifacts of one video; arrays and images are read window by window."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self.artifacts: dict[str, Artifact] = {name: find_kind(name).load(path) for name, path in paths.items()}

    @cached_property
    def pts_s(self) -> NDArray[np.float64]:
        """(t,) presentation times of all frames, seconds: of frames, or else of dense flow, which is kept."""
        frames, flow = self.artifacts.get("frames"), self.artifacts.get("dense_flow")
        if isinstance(frames, Frames):
            return frames.pts_s
        assert isinstance(flow, DenseFlow)
        return np.concatenate([flow.pts_s, flow.end_s[-1:]])

    def read(self, name: str, window: Window, frames: NDArray[np.intp]) -> Values:
        """The values of one artifact within a window: key to array (or list of texts)."""
        found = self.artifacts[name]
        if isinstance(found, Frames):
            return {name: read_images(found, frames)}
        if isinstance(found, DenseFlow):
            return read_flow(found, frames)
        if isinstance(found, Features):
            return read_features(found, self.pts_s[frames])
        assert isinstance(found, Table)
        return {name: read_rows(found, window, frames)}


def check_names(names: Sequence[str]) -> None:
    """Raise SemflowError where an artifact cannot be part of a window."""
    strange = next((name for name in names if name not in READABLE), None)
    if strange is not None:
        raise SemflowError(f"inputs and targets must be among {', '.join(READABLE)}, got {strange!r}")


def read_images(frames: Frames, numbers: NDArray[np.intp]) -> NDArray[np.uint8]:
    """(n, 3, h, w) images; zeros where a frame was lost."""
    images = np.zeros((len(numbers), frames.height, frames.width, 3), np.uint8)
    for place, number in _places(numbers):
        if frames.status[number] != "lost":
            images[place] = frames.image(number)
    return images.transpose(0, 3, 1, 2)


def read_flow(flow: DenseFlow, numbers: NDArray[np.intp]) -> Values:
    """`dense_flow` (n, 2, h, w): pixels from each frame to the next of the film; `dense_flow_valid` (n, h, w).

    Zero and not valid for the last frame of the film.
    """
    fields = np.zeros((len(numbers), flow.height, flow.width, 2), np.float32)
    valid = np.zeros(fields.shape[:3], np.bool_)
    for place, number in _places(numbers):
        if number < len(flow):
            fields[place], valid[place] = flow.forward(number), flow.valid(number)
    return {"dense_flow": fields.transpose(0, 3, 1, 2), "dense_flow_valid": valid}


def read_features(features: Features, times: NDArray[np.float64]) -> Values:
    """`features` (n, d, rows, columns): unit vectors of the stored frame nearest to each of the n times, of which
    `features_pts_s` (n,) are the times; zeros where that frame is damaged or lost."""
    grid = features.metadata.grid
    vectors = np.zeros((len(times), grid.rows, grid.columns, features.dimensions), np.float32)
    chosen = np.array([features.frame_at(time) for time in times.tolist()], np.intp)
    for place, frame in _places(chosen):
        found = features.vectors(frame)
        if found is not None:
            vectors[place] = found
    seconds = np.array([features.time_s(frame) for frame in chosen.tolist()], np.float64)
    return {"features": vectors.transpose(0, 3, 1, 2), "features_pts_s": seconds}


def read_rows(table: Table, window: Window, frames: NDArray[np.intp]) -> Values:
    """Column to its values in the rows of the window, and `step`: the place of the row's frame among the window's.

    Of windows of actions, the rows that overlap, without `step`.
    """
    names = [field.name for field in table.column_fields()]
    if "start_s" in names:
        start, end = (getattr(table, name) for name in ("start_s", "end_s"))
        rows, step = np.flatnonzero((end >= window.start_s) & (start < window.end_s)), None
    else:
        frame: NDArray[np.int32] = getattr(table, "frame")  # noqa: B009  Table declares no columns
        first, last = np.searchsorted(frame, frames), np.searchsorted(frame, frames, side="right")
        rows = np.concatenate([np.empty(0, np.intp), *map(np.arange, first, last)])
        step = np.repeat(np.arange(len(frames)), last - first)
    values: Values = {name: getattr(table, name)[rows] for name in names}
    for name, column in values.items():
        if column.dtype == object:
            values[name] = column.tolist()
    return values if step is None else {**values, "step": step}


def _places(numbers: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.bool_], int]]:
    """(where it stands, number) of each different frame: frames may repeat in a window, and are decoded once.

    Each is written into the result at once, so that decoding uses the same memory again and again.
    """
    for number in np.unique(numbers).tolist():
        yield numbers == number, number
