"""Gait statistics of each person with poses, and knee flexion over the strides of a walk."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.tracks import Tracks

STRAIGHT_DEG = 180.0  # gait laboratories say flexion: how far a knee is from straight
STRIDE_LIMITS_S = (0.4, 2.4)  # two steps of the shortest and of the longest time that count as a walk
MIN_POSES = 10  # with fewer, a range of angles or a median speed is that of one or two frames
PERCENT = np.linspace(0, 100, 101)
RANGE_PERCENTILES = (5, 95)  # percentiles between which a joint's range lies: a lone wrong frame does not widen it


@dataclass(frozen=True)
class PersonMotion:
    """One track with poses; NaN where nothing is known."""

    track_id: int
    rows: NDArray[np.intp]
    """Rows of kinematics and poses, in order of time."""
    coverage: float
    """Share of the whole frames it is tracked in that have a pose."""
    height_px: float
    """Median body height."""
    travel: float
    """Median speed of the hips, body heights per second; as `knee_left` and `knee_right` from MIN_POSES poses on."""
    steps: int
    cadence: float
    """Mean over its walks, steps per minute."""
    step_asymmetry: float
    """Mean over its walks, per cent."""
    step: float
    """Median length of its steps, body heights."""
    knee_left: float
    """Range of the knee's angle, degrees."""
    knee_right: float


def summarise_people(kinematics: Kinematics, tracks: Tracks, ok: NDArray[np.bool_]) -> tuple[PersonMotion, ...]:
    """A summary of everybody with a pose: by number of steps, then of poses, both descending, then by id."""
    found = [
        _summarise_person(kinematics, int(track_id), int((ok[tracks.frame] & (tracks.track_id == track_id)).sum()))
        for track_id in np.unique(kinematics.track_id)
    ]
    return tuple(sorted(found, key=lambda person: (-person.steps, -len(person.rows), person.track_id)))


def _summarise_person(kinematics: Kinematics, track_id: int, tracked: int) -> PersonMotion:
    rows = np.flatnonzero(kinematics.track_id == track_id)
    enough = rows if len(rows) >= MIN_POSES else rows[:0]
    struck = kinematics.heel_strike[rows] != "none"
    return PersonMotion(
        track_id=track_id,
        rows=rows,
        coverage=len(rows) / tracked if tracked else float("nan"),
        height_px=finite_median(kinematics.body_height[rows]),
        travel=finite_median(kinematics.travel[enough]),
        steps=int(struck.sum()),
        cadence=_mean(kinematics.cadence[rows]),
        step_asymmetry=_mean(kinematics.step_asymmetry[rows]),
        step=finite_median(np.abs(kinematics.foot_lead[rows][struck])),
        knee_left=angle_range(kinematics.knee_left[enough]),
        knee_right=angle_range(kinematics.knee_right[enough]),
    )


def to_bend(angles: NDArray[np.floating]) -> Floats:
    """Bends in degrees, 0 where straight, of angles of which 180 is straight."""
    return STRAIGHT_DEG - angles.astype(np.float64)


def knee_flexion(kinematics: Kinematics, side: str) -> Floats:
    """(n,) knee flexion in degrees, 0 for a straight leg."""
    return to_bend(kinematics.angle(f"knee_{side}"))


def count_knee_poses(kinematics: Kinematics, person: PersonMotion) -> int:
    """Poses of a person in which the bend of a knee is known, of the knee that is known more often."""
    bends = (knee_flexion(kinematics, side)[person.rows] for side in ("left", "right"))
    return max(int(np.isfinite(bend).sum()) for bend in bends)


def collect_strides(kinematics: Kinematics, person: PersonMotion, side: str) -> Floats:
    """(s, 101) knee flexion over each stride of one leg, from its heel strike (0 %) to its next one (100 %).

    Strides with an unknown angle, or of a length that no stride has, are left out.
    """
    time_s, bent = kinematics.pts_s[person.rows], knee_flexion(kinematics, side)[person.rows]
    strikes = np.flatnonzero(kinematics.heel_strike[person.rows] == side)
    curves: list[Floats] = []
    for first, last in pairwise(strikes):
        part = slice(first, last + 1)
        took = float(time_s[last] - time_s[first])
        if STRIDE_LIMITS_S[0] <= took <= STRIDE_LIMITS_S[1] and np.isfinite(bent[part]).all():
            curves.append(np.interp(PERCENT, 100 * (time_s[part] - time_s[first]) / took, bent[part]))
    return np.array(curves).reshape(-1, len(PERCENT))


def finite_median(values: NDArray[np.float32]) -> float:
    """Median of the known values; NaN where there are none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def angle_range(values: NDArray[np.float32]) -> float:
    """Range of the known values between the 5th and the 95th percentile."""
    known = values[np.isfinite(values)]
    return float(np.ptp(np.percentile(known, RANGE_PERCENTILES))) if len(known) else float("nan")


def _mean(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
