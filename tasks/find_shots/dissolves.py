"""Dissolves: stretches in which every frame is a mixture of the frames at both ends, with a weight that grows evenly.

That is how editors make them: S(t) = (1 - a) A + a B with a from 0 to 1 (Hampapur, Jain and Weymouth, "Production
model based digital video segmentation", 1995; Lienhart, "Reliable transition detection in videos", 2001). For windows
of several lengths the weight a of some frames is fitted by least squares. A window is part of a dissolve where its ends
are unlike, the weights grow evenly, and little is left that no weight explains. Motion leaves much, a cut makes the
weight jump, and a flash has like ends.

A pan over soft colours is nearly a mixture too, but there optical flow explains the change: its photometric error is as
before. In a dissolve it rises. Lights that dim or rise over a moving scene make a mixture too, and flow takes
brightness for constant; but there a frame is the one before with another gain, which in a dissolve explains little.

The limits were set on 144 joined pairs of 18 clips (ten of DAVIS; dissolves of 12 and 25 frames) and on the clips
alone, at their own and at double speed, so that nothing was found where nothing is: eight in ten dissolves are. What is
missed are scenes that move fast while they are mixed. MAX_RESIDUAL was raised from .15 to .18 later: on the 13 clips of
`semflow eval shots` 9 of 13 dissolves of a second are found, which were 7; up to .22 nothing false on eight more films,
from .25 on one false boundary in lights that dim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.shots import Transition
from tasks.find_shots.thumbnails import Stretch, correlate

MAX_CORRELATION = 0.6  # of both ends: unlike enough for two scenes
MAX_RESIDUAL = 0.18  # energy that no weight explains, of that of the difference of both ends
MAX_UNEVENNESS = 0.16  # of a fitted weight to the one of an even change
OUTSIDE = 0.3  # of the window, before and behind it, where the weight must have stayed at 0 and 1
MAX_DRIFT = 0.2  # of a weight there; in a steady pan over soft colours, or under rising light, it is 0.3
MIN_DIFFERENCE = 20.0  # grey levels between both ends, root mean square: dark noise is unlike too
PROBES = (0.2, 0.4, 0.5, 0.6, 0.8)  # of the window, where frames are compared
MIN_RISE = 1.15  # of the photometric error of flow over that beside the window; measured in dissolves: 1.3 to 2.7
MIN_UNEXPLAINED = 0.5  # of the change from frame to frame that flow leaves; measured: 1.4 to 4.6, in a pan far less
MAX_LIGHT = 0.2  # of a step's energy that gain and offset explain; in dissolves .02 to .2 (once .3), in light .15 to .7
MIN_LENGTH = 6  # frames: five probes need that many
LENGTH_STEP = 1.28  # from one length of window to the next


@dataclass(frozen=True, eq=False)
class DissolveWindow:
    """A window that is part of a dissolve."""

    first: int
    last: int
    score: float


def list_lengths(fps: float, max_dissolve_s: float) -> list[int]:
    """Lengths of the windows, frames, increasing; none where no dissolve is looked for."""
    longest = round(max_dissolve_s * fps)
    found = [MIN_LENGTH] if longest >= MIN_LENGTH else []
    while found and round(found[-1] * LENGTH_STEP) <= longest:
        found.append(round(found[-1] * LENGTH_STEP))
    return found


def count_frames_beside(lengths: Sequence[int]) -> int:
    """Frames before and behind a window of any of `lengths` that are compared with it."""
    return max((_count_outside(length) for length in lengths), default=0)


def find_windows(
    stretch: Stretch, begin: Indices, length: int, error: NDArray[np.floating], frame_count: int
) -> list[DissolveWindow]:
    """The windows of `length` frames that begin at (n,) frames `begin` and are part of a dissolve.

    `stretch` must hold them and the frames beside them; `error` (frames - 1,) is the photometric error of flow, grey
    levels, NaN where a frame is missing.
    """
    return [
        window
        for window in _find_mixtures(stretch, begin, length, frame_count)
        if _fails_flow(window, stretch, error) and _measure_light(window, stretch) < MAX_LIGHT
    ]


def join_windows(windows: Sequence[DissolveWindow]) -> list[Transition]:
    """The dissolves that `windows` are parts of, in order, none overlapping another."""
    return [_make_transition(group) for group in _group_windows(windows)]


def _count_outside(length: int) -> int:
    return max(1, round(OUTSIDE * length))


def _find_mixtures(stretch: Stretch, begin: Indices, length: int, frame_count: int) -> Iterator[DissolveWindow]:
    """Windows whose frames are mixtures of their ends, with a weight that grows evenly."""
    first, last = stretch.take(begin), stretch.take(begin + length)
    energy = ((last - first) ** 2).sum(axis=1)
    unlike = energy > MIN_DIFFERENCE**2 * first.shape[1]
    unlike[unlike] = correlate(first[unlike], last[unlike]) < MAX_CORRELATION
    begin, first, energy = begin[unlike], first[unlike], energy[unlike]
    whole = last[unlike] - first
    worst = np.zeros(len(begin), np.float32)  # 1 where a limit is reached
    for place in sorted({round(share * length) for share in PROBES}):
        change = stretch.take(begin + place) - first
        weight = (change * whole).sum(axis=1) / energy
        residual = ((change - weight[:, None] * whole) ** 2).sum(axis=1) / energy
        uneven = np.abs(weight - place / length)
        worst = np.maximum(worst, np.maximum(residual / MAX_RESIDUAL, uneven / MAX_UNEVENNESS))
    outside = _count_outside(length)
    for place, still in ((-outside, 0), (length + outside, 1)):
        there = begin + place
        inside = (there >= 0) & (there < frame_count)
        change = stretch.take(np.clip(there, 0, frame_count - 1)) - first
        drift = np.abs((change * whole).sum(axis=1) / energy - still)
        worst = np.where(inside, np.maximum(worst, drift / MAX_DRIFT), 1)
    for row in np.flatnonzero(worst < 1).tolist():
        yield DissolveWindow(int(begin[row]), int(begin[row]) + length, 1 - float(worst[row]))


def _fails_flow(window: DissolveWindow, stretch: Stretch, error: NDArray[np.floating]) -> bool:
    """Whether flow explains the change in the window worse than beside it; False where no flow is known."""
    reach = max(2, (window.last - window.first) // 2)
    sides = error[max(0, window.first - reach) : window.first], error[window.last : window.last + reach]
    known = [float(np.nanmedian(side)) for side in sides if np.isfinite(side).any()]
    inside = error[window.first + 1 : window.last - 1]
    if not known or not np.isfinite(inside).any():
        return False
    first, last = stretch.take(np.array([window.first, window.last]))
    change = np.abs(last - first).mean(dtype=np.float64)
    step = float(change) / (window.last - window.first)
    return float(np.nanmedian(inside)) > max(MIN_RISE * max(known), MIN_UNEXPLAINED * step)


def _measure_light(window: DissolveWindow, stretch: Stretch) -> float:
    """The share of the change from frame to frame that one gain and one offset explain, by its energy; the median."""
    frames = stretch.take(np.arange(window.first, window.last + 1))
    before, step = frames[:-1], np.diff(frames, axis=0)
    energy = (step**2).sum(axis=1)
    centred, moved = (part - part.mean(axis=1, keepdims=True) for part in (before, step))
    power = (centred**2).sum(axis=1)
    gain = (centred * moved).sum(axis=1) / np.maximum(power, 1.0)
    left = (moved**2).sum(axis=1) - gain**2 * power
    return float(np.median(1 - left / np.maximum(energy, 1.0)))


def _group_windows(windows: Sequence[DissolveWindow]) -> list[list[DissolveWindow]]:
    """Windows in groups of those that overlap."""
    groups: list[list[DissolveWindow]] = []
    end = -1
    for window in sorted(windows, key=lambda one: (one.first, one.last)):
        if window.first >= end:
            groups.append([])
        groups[-1].append(window)
        end = max(end, window.last)
    return groups


def _make_transition(group: list[DissolveWindow]) -> Transition:
    """The transition of overlapping windows: the longest of those that fit nearly as well as the best one."""
    best = max(window.score for window in group)
    chosen = max((one for one in group if one.score >= best / 2), key=lambda one: (one.last - one.first, one.score))
    return Transition("dissolve", (chosen.first + chosen.last + 1) // 2, chosen.first + 1, chosen.last - 1, best)
