"""movement: `<video>.nc`, poses and kinematics as an xarray data set in movement's layout, in netCDF 3.

Format: movement 0.15, "Movement datasets": `position` (time, space, keypoints, individuals) and `confidence`, here with
`position_smooth`, a variable per joint angle (time, individuals) and `speed`. Times are the film's own, in seconds;
pixels are at working size. An individual is a track, `id_7`; where it is absent, values are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import Poses
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import xarray

MAX_VALUES = 1 << 29
"""2 GB of 32 bits: a variable of netCDF 3 cannot be larger."""
SPACE = ("x", "y")
DIMENSIONS = ("time", "space", "keypoints", "individuals")


def export_movement(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write one data set for each video."""
    del options
    for source in sources:
        make_dataset(source).to_netcdf(folder / f"{source.file_stem}.nc", engine="scipy")


def make_dataset(source: ExportSource) -> xarray.Dataset:
    """The poses and kinematics of a video; SemflowError where it has no poses, or too many for one file."""
    import xarray

    poses, timeline = source.load(Poses), source.timeline
    names = list(poses.keypoints)[: poses.known_keypoints]
    people, column = np.unique(poses.track_id, return_inverse=True)
    if not len(people):
        raise SemflowError(f"{source.name} must have poses to be exported, got none; leave it out")
    shape = (len(timeline), len(SPACE), len(names), len(people))
    if np.prod(shape, dtype=np.int64) > MAX_VALUES:
        raise SemflowError(
            f"the poses of {source.name} must have at most {MAX_VALUES:,} values in a table of times and people, got "
            f"{shape[0]:,} times {shape[-1]:,}; export to csv, or cut the film"
        )

    def spread(values: Any, *inner: int) -> np.ndarray:
        """(t, ..., people) the values of each row at its time and person."""
        found = np.full((shape[0], *inner, shape[-1]), np.nan, np.float32)
        found[poses.frame, ..., column] = values
        return found

    count = len(names)
    variables: dict[str, Any] = {
        "position": (DIMENSIONS, spread(poses.xy[:, :count].transpose(0, 2, 1), *shape[1:3])),
        "confidence": (DIMENSIONS[:1] + DIMENSIONS[2:], spread(poses.keypoint_score[:, :count], count)),
        "position_smooth": (DIMENSIONS, spread(poses.smooth_xy[:, :count].transpose(0, 2, 1), *shape[1:3])),
    }
    kinematics = source.find(Kinematics)
    for field in Kinematics.column_fields() if kinematics is not None else ():
        if field.metadata["dtype"] == "float32":
            values, unit = getattr(kinematics, field.name), {"units": field.metadata["unit"]}
            if field.metadata["width"]:
                variables[field.name] = (DIMENSIONS[:1] + DIMENSIONS[2:], spread(values[:, :count], count), unit)
            else:
                variables[field.name] = (("time", "individuals"), spread(values), unit)
    return xarray.Dataset(
        variables,
        coords={
            "time": timeline.pts_s,
            "space": list(SPACE),
            "keypoints": names,
            "individuals": [f"id_{identity}" for identity in people.tolist()],
        },
        attrs={
            "ds_type": "poses",
            "fps": timeline.report.fps,
            "time_unit": "seconds",
            "source_software": "semflow",
            "source_file": timeline.report.file,
        },
    )
