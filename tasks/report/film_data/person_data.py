"""Tracks, skeletons and joint curves of the film page: boxes and keypoints by frame, in working-size pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.kinematics import HEEL_STRIKES, JOINTS, Kinematics
from tasks.artifacts.poses import KEYPOINTS, SKELETON_EDGES, Poses
from tasks.artifacts.tracks import Tracks
from tasks.report.colours import css_colour, track_colour
from tasks.report.film_data.kept_rows import choose_stride, count_groups, keep_strided
from tasks.report.film_data.packed_series import pack_series
from tasks.report.person_motion import to_bend
from tasks.report.report_data import ReportData

# With these, and below 1.4 MB of page, a film of any length stays below 3 MB: a row of boxes takes 6 bytes, of
# keypoints 26, of curves 15, as measured on the sample clips.
MAX_BOX_ROWS, MAX_POSE_ROWS, MAX_CURVE_ROWS = 60_000, 24_000, 24_000
STEPS_PER_PX = 2  # of boxes: a quarter of a pixel is below what a screen shows of a film at working size
SPEED_STEPS = 100  # of speeds in body heights per second
JOINT_UNITS = {"shoulder": ("°", "0° is hanging"), "ankle": ("°", "about 110° standing")}
BENT_UNIT = ("° bent", "0° is straight")
"""Unit and meaning of elbows, hips and knees: on pages every one of them is said by its bend."""


def _joint_unit(name: str) -> tuple[str, str]:
    return JOINT_UNITS.get(name.rpartition("_")[0], BENT_UNIT)


CURVES = (
    ("travel", "speed of the hips", "body heights/s", SPEED_STEPS, ""),
    *((name, name.replace("_", " "), unit, 1, note) for name in JOINTS for unit, note in [_joint_unit(name)]),
    ("trunk_lean", "trunk lean", "°", 1, "0° is upright, to the right positive"),
)
"""Column of the kinematics, its name on the page, its unit, stored steps per unit, and what its numbers mean."""


def pack_tracks(data: ReportData) -> Mapping[str, Any]:
    """Every track with its boxes: `list` names them in order of id, `counts` their rows in the series."""
    tracks = data.tracks
    stride = choose_stride(len(tracks), MAX_BOX_ROWS)
    kept = keep_strided(tracks.frame, tracks.track_id, stride)
    summaries = {summary.track_id: summary for summary in data.track_summaries}
    posed = set(np.unique(data.poses.track_id).tolist()) if data.poses is not None else set[int]()
    groups = count_groups(tracks.track_id[kept])
    return {
        "stride": stride,
        "list": [
            {
                "id": track_id,
                "class": summaries[track_id].class_name,
                "colour": css_colour(track_colour(track_id)),
                "seconds": round(summaries[track_id].present_s, 3),
                "posed": track_id in posed,
                "rows": count,
            }
            for track_id, count in groups
        ],
        "frame": pack_series(tracks.frame[kept]),
        "xyxy": pack_series(np.rint(tracks.xyxy[kept].astype(np.float64) * STEPS_PER_PX)),
        "scale": STEPS_PER_PX,
        "seen": pack_series(_is_detected(tracks)[kept]),
    }


def _is_detected(tracks: Tracks) -> NDArray[np.int8]:
    return (tracks.detection >= 0).astype(np.int8)


def pack_poses(poses: Poses | None) -> Mapping[str, Any] | None:
    """Smoothed keypoints of every person, whole pixels; None without any pose."""
    if poses is None or not len(poses):
        return None
    points = sorted({point for edge in SKELETON_EDGES for point in edge})
    stride = choose_stride(len(poses), MAX_POSE_ROWS)
    kept = keep_strided(poses.frame, poses.track_id, stride)
    filled, known = _fill_gaps(poses.smooth_xy[kept][:, points])
    place = {point: number for number, point in enumerate(points)}
    return {
        "stride": stride,
        "people": [{"id": ident, "rows": count} for ident, count in count_groups(poses.track_id[kept])],
        "frame": pack_series(poses.frame[kept]),
        "xy": pack_series(filled),
        "known": pack_series(known),
        "edges": [[place[a], place[b], _find_side(b)] for a, b in SKELETON_EDGES],
    }


def _find_side(point: int) -> str:
    """The side of the body that a bone is drawn in: of its far end; both for bones across the body."""
    side = KEYPOINTS[point].rpartition("_")[2]
    across = KEYPOINTS[point] in ("shoulder_right", "hip_right")
    return side if side in ("left", "right") and not across else "middle"


def pack_curves(kinematics: Kinematics | None) -> Mapping[str, Any] | None:
    """Speed, joint angles and heel strikes of every person over time; None without any."""
    if kinematics is None or not len(kinematics):
        return None
    stride = choose_stride(len(kinematics), MAX_CURVE_ROWS)
    kept = keep_strided(kinematics.frame, kinematics.track_id, stride)
    scaled = np.stack(
        [_page_values(kinematics, name, unit)[kept] * steps for name, _, unit, steps, _ in CURVES], axis=1
    )
    filled, known = _fill_gaps(scaled)
    struck = np.flatnonzero(kinematics.heel_strike != HEEL_STRIKES[0])
    return {
        "stride": stride,
        "names": [
            {"label": label, "unit": unit, "scale": steps, "note": note} for _, label, unit, steps, note in CURVES
        ],
        "people": [{"id": ident, "rows": count} for ident, count in count_groups(kinematics.track_id[kept])],
        "frame": pack_series(kinematics.frame[kept]),
        "values": pack_series(filled),
        "known": pack_series(known),
        "strikes": [
            [int(kinematics.track_id[row]), int(kinematics.frame[row]), str(kinematics.heel_strike[row])]
            for row in struck
        ],
    }


def _page_values(kinematics: Kinematics, name: str, unit: str) -> NDArray[np.floating]:
    """A column as the page shows it: bends for angles of which 180 degrees is straight."""
    values = getattr(kinematics, name)
    return to_bend(values) if unit == BENT_UNIT[0] else values


def _fill_gaps(values: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """(n, columns) whole numbers with unknown ones as the last known, and (n, columns) 1 where known."""
    table = values.reshape(len(values), math.prod(values.shape[1:]))
    known = np.isfinite(table)
    source = np.maximum.accumulate(np.where(known, np.arange(len(table))[:, None], 0), axis=0)
    carried = np.take_along_axis(table, source, axis=0)
    return np.rint(np.nan_to_num(carried)).astype(np.int64), known.astype(np.int8)
