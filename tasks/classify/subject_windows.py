"""The windows of a video, and who is classified in each: the whole frame, or people while they are present."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.classify.person_selection import SubjectTrack
from tasks.streams.presence_windows import make_presence_windows
from tasks.streams.video_clips import ClipWindow, make_clip_windows
from tasks.streams.window_plan import WindowPlan


@dataclass(frozen=True, eq=False)
class SubjectWindows:
    """All windows of a video, each once, in order of time, and their subjects."""

    windows: tuple[ClipWindow, ...]
    frame_numbers: tuple[int, ...]
    """Numbers of the windows that cover the video, whoever is in it."""
    unattended: frozenset[int]
    """Numbers of those of them in which nobody is tracked through half of the window."""
    people: Mapping[int, tuple[SubjectTrack, ...]]
    """Number of a window to the people whose presence it lies in, each with their track in the window's shot."""

    @property
    def frame_windows(self) -> list[ClipWindow]:
        """The windows that cover the video, in order of time."""
        return [self.windows[number] for number in self.frame_numbers]


def make_subject_windows(
    pts_s: NDArray[np.float64],
    ok: NDArray[np.bool_],
    cut: NDArray[np.bool_],
    people: Sequence[SubjectTrack],
    plan: WindowPlan,
) -> SubjectWindows:
    """The windows that cover the video, and those of each person, which begin and end with their presence."""
    whole = make_clip_windows(pts_s, ok, cut, plan)
    own = [(person, make_presence_windows(pts_s, ok, cut, person.frames, plan)) for person in people]
    by_key = {_key(window): window for window in (*(one for _, windows in own for one in windows), *whole)}
    numbers = {key: number for number, key in enumerate(sorted(by_key))}
    present: dict[int, list[SubjectTrack]] = {}
    for person, windows in own:
        for window in windows:
            present.setdefault(numbers[_key(window)], []).append(person.restrict_to(window))
    return SubjectWindows(
        tuple(by_key[key] for key in sorted(by_key)),
        tuple(numbers[_key(window)] for window in whole),
        frozenset(numbers[_key(w)] for w in whole if not any(person.is_in(w) for person in people)),
        {number: tuple(found) for number, found in present.items()},
    )


def _key(window: ClipWindow) -> tuple[int, int, bool]:
    return window.first, window.last, window.looped
