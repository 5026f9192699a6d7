"""Shots: the stretches of a film between two cuts, fades or dissolves, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.table import NULL, Column, Table, column, metadata_field
from tasks.errors import SemflowError

TRANSITIONS = ("start", "cut", "fade", "dissolve")
"""How a shot begins: with the film, at once, out of one colour, or mixed with the shot before."""


@dataclass(frozen=True)
class Transition:
    """A cut, fade or dissolve; frames are numbers in the film."""

    kind: str
    """One of TRANSITIONS."""
    frame: int
    """First frame of the shot that begins."""
    first: int
    """First frame that it changes; for a cut the last one before it."""
    last: int
    """Last frame that it changes; for a cut the first one behind it."""
    score: float
    """0..1, as in `Shots`."""

    @property
    def gradual(self) -> bool:
        """Whether it takes time."""
        return self.kind in {"fade", "dissolve"}

    def covers(self, frame: int, margin: int) -> bool:
        """Whether the boundary before `frame` lies within it, or at most `margin` frames outside."""
        return self.first - margin <= frame <= self.last + margin + 1


@dataclass(frozen=True, eq=False)
class Shots(Table):
    """A row per shot, in order; together they are all frames of the film."""

    FOLDER: ClassVar[str] = "data/shots"

    shot: Column = column("int32", "index", "number of the shot, from 0")
    first_frame: Column = column("int32", "index", "first frame; the middle of a fade or dissolve")
    last_frame: Column = column("int32", "index", "last frame, itself inside")
    start_s: Column = column("float64", "s", "presentation time of the first frame")
    end_s: Column = column("float64", "s", "presentation time of the last frame")
    transition: Column = column("string", "", "how it begins: start (of the film), cut, fade or dissolve")
    transition_first: Column = column(
        "int32", "index", "first frame that the fade or dissolve changes; null without one", nullable=True
    )
    transition_last: Column = column(
        "int32", "index", "last frame that the fade or dissolve changes; null without one", nullable=True
    )
    score: Column = column(
        "float32",
        "0..1",
        "how clear the transition is: difference of both frames (cut), contrast that is lost (fade), nearness to a "
        "mixture (dissolve); 1 for start",
    )
    frame_count: int = metadata_field("frames", "rows of the frames artifact")

    def check_values(self) -> None:
        if len(self) != len(np.unique(self.first_frame)) or bool(len(self)) != bool(self.frame_count):
            raise SemflowError(f"Shots must be at least one per film, and none without frames, got {len(self)} rows")
        odd = sorted(set(self.transition) - set(TRANSITIONS))
        if odd:
            raise SemflowError(f"Shots.transition must be one of {', '.join(TRANSITIONS)}, got {odd[0]!r}")
        if not len(self):
            return
        bounds = np.append(self.first_frame, self.frame_count)
        if bounds[0] != 0 or (np.diff(bounds) <= 0).any() or (self.last_frame != bounds[1:] - 1).any():
            raise SemflowError(
                f"Shots must cover the frames 0 to {self.frame_count - 1} in order and once, got first frames "
                f"{self.first_frame.tolist()} and last frames {self.last_frame.tolist()}"
            )

    @cached_property
    def of_frames(self) -> NDArray[np.intp]:
        """(frames,) number of the shot of each frame."""
        return np.repeat(np.arange(len(self)), self.last_frame - self.first_frame + 1)

    @cached_property
    def boundary(self) -> NDArray[np.bool_]:
        """(frames - 1,) whether a shot begins between each frame and the next."""
        return np.diff(self.of_frames) > 0

    @classmethod
    def from_cuts(cls, cut: NDArray[np.bool_], pts_s: NDArray[np.float64], video: str = "") -> Self:
        """The shots of a film with cuts alone; `cut` (frames - 1,) as in dense flow, `pts_s` (frames,) in seconds."""
        frames = (np.flatnonzero(cut) + 1).tolist()
        return cls.from_transitions([Transition("cut", n, n - 1, n, 1.0) for n in frames], pts_s, video)

    @classmethod
    def from_transitions(cls, transitions: Sequence[Transition], pts_s: NDArray[np.float64], video: str = "") -> Self:
        """The shots between `transitions`, which are in order; `pts_s` are the times of all frames, seconds."""
        begins = [Transition("start", 0, 0, 0, 1.0), *transitions][: len(pts_s)]
        starts = np.array([one.frame for one in begins], np.int32)
        last = np.append(starts[1:], len(pts_s))[: len(starts)].astype(np.int32) - np.int32(1)
        return cls(
            shot=np.arange(len(starts), dtype=np.int32),
            first_frame=starts,
            last_frame=last,
            start_s=pts_s[starts],
            end_s=pts_s[last],
            transition=np.array([one.kind for one in begins], dtype=object),
            transition_first=np.array([one.first if one.gradual else NULL for one in begins], np.int32),
            transition_last=np.array([one.last if one.gradual else NULL for one in begins], np.int32),
            score=np.array([one.score for one in begins], np.float32),
            frame_count=len(pts_s),
            video=video,
        )
