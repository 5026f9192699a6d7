"""The data of a film of ten minutes in which four people walk about: large, and made in a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from tasks.artifacts.kinematics import JOINTS, Kinematics
from tasks.artifacts.poses import KEYPOINT_COUNT, Poses
from tasks.artifacts.tracks import Tracks
from tasks.report.film_data import person_data
from tasks.report.film_data.film_script import pack_film
from tasks.report.film_data.packed_series import pack_series
from tasks.report.report_data import ReportData
from tests.report.figures import make_kinematics, make_poses

FPS, COUNT, PEOPLE = 30, 18_000, 4


def pack_long_film(data: ReportData) -> Mapping[str, Any]:
    """What `pack_film` gives for the long film; sizes, classes and colours are those of `data`, which has one track."""
    poses, kinematics = make_long_poses(data)
    xy = poses.smooth_xy
    box = {"x1": xy[..., 0].min(axis=1), "x2": xy[..., 0].max(axis=1)}
    box |= {"y1": xy[..., 1].min(axis=1), "y2": xy[..., 1].max(axis=1)}
    size = {"frame_count": COUNT, "width": 640, "height": 360}
    ids = {"frame": poses.frame, "track_id": poses.track_id, "detection": np.arange(len(poses), dtype=np.int32)}
    edges_s = np.arange(COUNT + 1) / FPS
    long = replace(data, tracks=_repeat_row(data.tracks, len(poses), **box, **size, **ids), poses=poses)
    long.__dict__["edges_s"] = edges_s
    return {
        **pack_film(data),
        **{key: size[key] for key in ("width", "height")},
        **{"filmWidth": 640, "filmHeight": 360},
        "edges": pack_series(np.rint(edges_s * 90_000)),
        "status": pack_series(np.zeros(COUNT, np.int8)),
        "arrows": None,
        "tracks": person_data.pack_tracks(long),
        "poses": person_data.pack_poses(poses),
        "curves": person_data.pack_curves(kinematics),
    }


def make_long_poses(data: ReportData) -> tuple[Poses, Kinematics]:
    """Limbs that swing like a walk's, with a little noise, as smoothing leaves it."""
    frame = np.repeat(np.arange(COUNT, dtype=np.int32), PEOPLE)
    track_id = np.tile(np.arange(1, PEOPLE + 1, dtype=np.int32), COUNT)
    rng = np.random.default_rng(2)
    time_s = frame[:, None] / FPS
    swing = 25 * np.sin(2 * np.pi * (time_s / 1.037 + rng.uniform(size=KEYPOINT_COUNT)) + track_id[:, None])
    noise = rng.normal(0, 0.4, (2, *swing.shape))
    x = (300 + 200 * np.sin(time_s / 9 + track_id[:, None]) + swing + noise[0]).astype(np.float32)
    y = (180 + 0.3 * swing + noise[1]).astype(np.float32)
    ids = {"frame": frame, "track_id": track_id, "frame_count": COUNT}
    template = make_poses(data)
    angles = 120 + swing + rng.normal(0, 0.5, swing.shape)
    joints = {name: angles[:, place].astype(np.float32) for place, name in enumerate(JOINTS)}
    kinematics = _repeat_row(make_kinematics(template), len(frame), **ids, **joints)
    return _repeat_row(template, len(frame), **ids, **{"x": x, "y": y, "smooth_x": x, "smooth_y": y}), kinematics


def _repeat_row(table: Tracks | Kinematics | Poses, rows: int, **given: Any) -> Any:
    """The table with its first row repeated, and the columns of `given`."""
    columns = {
        column.name: np.repeat(getattr(table, column.name)[:1], rows, axis=0)
        for column in fields(table)
        if isinstance(getattr(table, column.name), np.ndarray)
    }
    return replace(table, **columns | given)
