"""Windows of one person: every stretch of frames in which they are tracked is treated as a shot of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.streams.segment_sampling import sample_segment_starts
from tasks.streams.video_clips import MIN_SHOT_S, ClipWindow, make_clip_windows
from tasks.streams.window_plan import WindowPlan


def find_presences(pts_s: NDArray[np.float64], frames: NDArray[np.intp]) -> list[tuple[int, int]]:
    """First and last frame of every stretch in which a person is tracked in `frames` (increasing).

    Gaps shorter than MIN_SHOT_S belong to a stretch; stretches shorter than that are left out.
    """
    if not len(frames):
        return []
    gap = np.flatnonzero((np.diff(frames) > 1) & (np.diff(pts_s[frames]) >= MIN_SHOT_S))
    firsts = frames[np.concatenate([[0], gap + 1])].tolist()
    lasts = frames[np.concatenate([gap, [len(frames) - 1]])].tolist()
    step = float(np.median(np.diff(pts_s))) if len(pts_s) > 1 else 0.0
    return [
        (first, last)
        for first, last in zip(firsts, lasts, strict=True)
        if pts_s[last] - pts_s[first] + step >= MIN_SHOT_S
    ]


def make_presence_windows(
    pts_s: NDArray[np.float64],
    ok: NDArray[np.bool_],
    cut: NDArray[np.bool_],
    frames: NDArray[np.intp],
    plan: WindowPlan,
) -> tuple[ClipWindow, ...]:
    """Windows in order, none over a cut or beyond a stretch in which the person is tracked in `frames`.

    Where the stride makes too many, those in the middles of equal parts of the sequence stand for all.
    """
    found: list[ClipWindow] = []
    for first, last in find_presences(pts_s, frames):
        inside = np.zeros(len(ok), np.bool_)
        inside[first : last + 1] = True
        found += [
            replace(window, shot=(max(window.shot[0], first), min(window.shot[1], last)))
            for window in make_clip_windows(pts_s, ok & inside, cut, plan)
        ]
    if len(found) <= plan.max_windows:
        return tuple(found)
    return tuple(found[n] for n in sample_segment_starts(0, len(found), 1, plan.max_windows))
