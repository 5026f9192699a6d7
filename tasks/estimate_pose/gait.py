"""Gait analysis: heel strikes, cadence and step time asymmetry of a walking person.

After Zeni et al. (2008, "Two simple methods for determining gait events during treadmill and overground walking"): at
heel strike the heel is at its largest distance ahead of the pelvis. Each heel, or ankle where the skeleton has no
heels, is taken relative to its hip, and of both sides the difference, which has an extremum at each step with
alternating sign. The
camera may stand anywhere, so the swing direction is the first principal axis of that difference over a stride or two,
and forwards is the direction in which the hips move or, on a treadmill, in which the nose points. Extrema form a
walking bout where several follow at regular times with alternating feet: feet that part and close without passing each
other are a jumping jack.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats
from tasks.artifacts.poses import KEYPOINT_INDEX
from tasks.estimate_pose.joint_angles import SIDES, compute_midpoint
from tasks.estimate_pose.keypoint_velocity import compute_velocity
from tasks.estimate_pose.pose_segments import split_at_gaps

AXIS_WINDOW_S = 1.0  # to both sides of a time whose axis is estimated: a stride takes about a second (Winter, 2009)
MIN_STEP_PROMINENCE = 0.1  # body heights; a step is about .4 body heights long (Winter, 2009)
STEP_TIME_RANGE_S = (0.22, 1.2)  # from 4.5 steps per second of a sprint to the slowest walk
MAX_STEP_TIME_RATIO = 1.75  # ratio of the times of neighbouring steps in a walk
MIN_HIP_SPEED = 0.15  # body heights per second from which the motion of the hips defines forwards
MIN_NOSE_OFFSET = 0.02  # body heights beside the ears from which the nose defines forwards
MIN_HEEL_SHARE = 0.9  # of the rows with ankles: steps must not be lost for want of heels
CADENCE_WINDOW_STEPS = 2  # to both sides of a time whose cadence is computed


@dataclass(frozen=True)
class WalkingBout:
    """A sequence of regular steps."""

    rows: NDArray[np.intp]
    """(s,) rows of the frames with a heel strike."""
    sides: NDArray[np.object_]
    """(s,) left, right or unsided."""
    times_s: Floats
    """(s,) times of the heel strikes, to a fraction of a frame."""
    within: NDArray[np.intp]
    """(m,) rows from the first step to the last one in which both feet are known."""
    lead: Floats
    """(m,) distance of the left foot ahead of the right one, body heights; NaN where forwards is not known."""

    @property
    def steps_s(self) -> Floats:
        """(s - 1,) duration of each step after the first, seconds."""
        return np.diff(self.times_s)

    def compute_cadence(self, time_s: Floats) -> Floats:
        """Steps per minute at each of `time_s` within the bout: mean over the neighbouring steps."""
        last = len(self.times_s) - 1
        step = np.clip(np.searchsorted(self.times_s, time_s, side="right") - 1, 0, last - 1)
        first, stop = np.maximum(step - CADENCE_WINDOW_STEPS, 0), np.minimum(step + CADENCE_WINDOW_STEPS + 1, last)
        return 60 * (stop - first) / (self.times_s[stop] - self.times_s[first])

    @property
    def asymmetry(self) -> float:
        """Symmetry index of left and right step times (Robinson et al., 1987), %; NaN where sides are not known."""
        left, right = (self.steps_s[self.sides[1:] == side] for side in ("left", "right"))
        if not len(left) or not len(right):
            return float("nan")
        return float(200 * abs(left.mean() - right.mean()) / (left.mean() + right.mean()))


def detect_walking_bouts(
    time_s: Floats, xy: Floats, height: Floats, min_steps: int, bridge_s: float
) -> list[WalkingBout]:
    """Walking bouts of one person with (t, 26, 2) keypoints and (t,) body heights, in pixels; in order of time."""
    part = choose_foot_keypoint(xy)
    left, right = (xy[:, KEYPOINT_INDEX[f"{part}_{side}"]] - xy[:, KEYPOINT_INDEX[f"hip_{side}"]] for side in SIDES)
    apart = (left - right) / height[:, None]
    forwards = estimate_heading(time_s, xy, height)
    known = np.flatnonzero(np.isfinite(apart).all(axis=1))
    return [
        walk
        for run in split_at_gaps(time_s[known], bridge_s)
        for walk in _detect_in_segment(known[run], time_s[known[run]], apart[known[run]], forwards[known[run]])
        if len(walk.rows) >= min_steps
    ]


def choose_foot_keypoint(xy: Floats) -> str:
    """`heel` where (t, 26, 2) keypoints have both heels in nearly all rows with both ankles, else `ankle`.

    One of them for a whole track, as changing from one to the other would look like a step.
    """
    ankles, heels = (
        np.isfinite(xy[:, [KEYPOINT_INDEX[f"{part}_{side}"] for side in SIDES], 0]).all(axis=1)
        for part in ("ankle", "heel")
    )
    return "heel" if heels.any() and (heels & ankles).sum() >= MIN_HEEL_SHARE * ankles.sum() else "ankle"


def _detect_in_segment(rows: NDArray[np.intp], time_s: Floats, apart: Floats, forwards: Floats) -> list[WalkingBout]:
    """Bouts of any length in a segment without gaps; all arguments have one value per row of the segment."""
    axis = estimate_swing_axis(time_s, apart)
    along = (apart * axis).sum(axis=1)
    turns = find_alternating_peaks(along)
    times_s = refine_peak_times(time_s, along, turns)
    way = np.sign((axis * forwards).sum(axis=1))
    ahead = way[turns] * np.sign(along[turns])
    sides = np.where(ahead > 0, "left", np.where(ahead < 0, "right", "unsided")).astype(object)
    lead = np.where(way == 0, np.nan, along * way)
    spans = [(part, slice(turns[part][0], turns[part][-1] + 1)) for part in split_regular_steps(times_s, sides)]
    return [WalkingBout(rows[turns[part]], sides[part], times_s[part], rows[span], lead[span]) for part, span in spans]


def compute_local_mean(time_s: Floats, values: Floats) -> Floats:
    """(t, ...) mean of the values within AROUND_S of each time."""
    first = np.searchsorted(time_s, time_s - AXIS_WINDOW_S)
    last = np.searchsorted(time_s, time_s + AXIS_WINDOW_S, side="right")
    total = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    return (total[last] - total[first]) / (last - first).reshape(-1, *[1] * (values.ndim - 1))


def estimate_swing_axis(time_s: Floats, apart: Floats) -> Floats:
    """(t, 2) unit vectors of largest local variance of (t, 2) `apart`, with continuous sign."""
    centred = apart - compute_local_mean(time_s, apart)
    xx, xy, yy = compute_local_mean(time_s, centred[:, [0, 0, 1]] * centred[:, [0, 1, 1]]).T
    angle = np.unwrap(np.arctan2(2 * xy, xx - yy)) / 2  # of the first principal axis
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def estimate_heading(time_s: Floats, xy: Floats, height: Floats) -> Floats:
    """(t, 2) forward direction, any length: motion of the hips, else side of the nose; 0 where both are too small."""
    way = compute_velocity(time_s, compute_midpoint(xy, "hip")) / height[:, None]
    way = compute_local_mean(time_s, np.nan_to_num(way))
    left, right = (xy[:, KEYPOINT_INDEX[f"ear_{side}"], 0] for side in ("left", "right"))
    ears = np.where(np.isnan(left), right, np.where(np.isnan(right), left, (left + right) / 2))
    nose = (xy[:, KEYPOINT_INDEX["nose"], 0] - ears) / height
    looks = np.stack([np.where(np.abs(nose) > MIN_NOSE_OFFSET, np.sign(nose), 0.0), np.zeros(len(nose))], axis=1)
    return np.where((np.linalg.norm(way, axis=1) > MIN_HIP_SPEED)[:, None], way, looks)


def find_alternating_peaks(along: Floats) -> NDArray[np.intp]:
    """Rows of prominent maxima above and minima below 0 of (t,) values, alternating; of two alike the larger one."""
    from scipy.signal import find_peaks

    peaks, valleys = (find_peaks(sign * along, prominence=MIN_STEP_PROMINENCE)[0] for sign in (1, -1))
    turns: list[int] = []
    for row in np.sort(np.concatenate([peaks[along[peaks] > 0], valleys[along[valleys] < 0]])).tolist():
        if turns and np.sign(along[row]) == np.sign(along[turns[-1]]):
            if abs(along[row]) > abs(along[turns[-1]]):
                turns[-1] = row
        else:
            turns.append(row)
    return np.array(turns, np.intp)


def refine_peak_times(time_s: Floats, along: Floats, turns: NDArray[np.intp]) -> Floats:
    """(s,) times of the extrema at the rows `turns`: vertex of the parabola through each and its two neighbours."""
    before, at, after = along[turns - 1], along[turns], along[turns + 1]
    bend = before - 2 * at + after
    shift = np.divide(before - after, 2 * bend, out=np.zeros_like(at), where=bend != 0)
    # Frame intervals are nearly equal; where not, their mean is accurate enough for a fraction of a frame.
    return time_s[turns] + np.clip(shift, -0.5, 0.5) * (time_s[turns + 1] - time_s[turns - 1]) / 2


def split_regular_steps(times_s: Floats, sides: NDArray[np.object_]) -> list[slice]:
    """Slices of (s,) steps of plausible duration, similar to that of the step before, with alternating feet."""
    steps = np.diff(times_s)
    same = (sides[1:] == sides[:-1]) & (sides[1:] != "unsided")
    parts: list[slice] = []
    start = 0
    for i, step in enumerate(steps.tolist()):
        plausible = STEP_TIME_RANGE_S[0] <= step <= STEP_TIME_RANGE_S[1] and not same[i]
        if not plausible or (i > start and max(step, steps[i - 1]) > MAX_STEP_TIME_RATIO * min(step, steps[i - 1])):
            parts.append(slice(start, i + 1))
            start = i + 1 if not plausible else i
    return [*parts, slice(start, len(times_s))] if len(times_s) else []
