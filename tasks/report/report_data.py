"""The artifacts of one video, and what several sections of its report derive from them.

A new stage with a section of its own adds its artifact here as a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.actions import Actions
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.masks import Masks
from tasks.artifacts.matches import Matches
from tasks.artifacts.poses import Poses
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.report.colours import class_slots
from tasks.report.field_paint import LabelPaint, assign_paints
from tasks.report.params import ReportParams
from tasks.report.track_summary import TrackSummary, summarise_tracks

FALLBACK_FPS = 25.0  # where the file gives no frame rate


@dataclass(frozen=True)
class FrameFault:
    """Frames in a row with one status that is not ok."""

    status: str
    start_s: float
    stop_s: float


@dataclass(frozen=True)
class ReportData:
    """The artifacts of one video with the parameters of its report; times count from the first frame."""

    frames: Frames
    detections: Detections
    dense_flow: DenseFlow
    features: Features
    semantic_flow: SemanticFlow
    matches: Matches
    tracks: Tracks
    params: ReportParams
    masks: Masks | None = None
    poses: Poses | None = None
    kinematics: Kinematics | None = None
    actions: Actions | None = None
    semantic_field: SemanticField | None = None
    shots: Shots | None = None

    @property
    def video(self) -> str:
        """The video's name: its file's name without the ending."""
        return PurePosixPath(self.frames.decode_report.file).with_suffix("").as_posix()

    @property
    def has_film(self) -> bool:
        """Whether there is, or will be, a film for the page's player."""
        return self.params.film and len(self.frames) > 0

    @property
    def has_overlay(self) -> bool:
        """Whether there is, or will be, an overlay video."""
        return self.params.overlay and len(self.frames) > 0

    @property
    def has_flow(self) -> bool:
        """Whether any pair of frames has dense flow."""
        return bool(self.dense_flow.known.any())

    @cached_property
    def film_shots(self) -> Shots:
        """The shots; those between the cuts of dense flow where they were not looked for."""
        return self.shots or Shots.from_cuts(self.dense_flow.cut, self.frames.pts_s)

    @property
    def fps(self) -> float:
        """Frames per second, always above 0; FALLBACK_FPS where the file gives none."""
        return self.frames.decode_report.fps if self.frames.decode_report.fps > 0 else FALLBACK_FPS

    @cached_property
    def edges_s(self) -> NDArray[np.float64]:
        """(t + 1,) seconds since the first frame at which each frame begins, and the end of the last one."""
        pts = self.frames.pts_s
        if not len(pts):
            return np.zeros(1)
        last = float(np.median(np.diff(pts))) if len(pts) > 1 else 1 / self.fps
        return np.append(pts - pts[0], pts[-1] - pts[0] + last)

    @property
    def span_s(self) -> float:
        """Seconds from the beginning of the first frame to the end of the last one; 0 without frames."""
        return float(self.edges_s[-1])

    @cached_property
    def faults(self) -> tuple[FrameFault, ...]:
        """Where frames are damaged or lost, in order."""
        status = self.frames.status.astype(str)
        starts = np.append(0, np.flatnonzero(status[1:] != status[:-1]) + 1)[: len(status)]
        stops = np.append(starts[1:], len(status))
        return tuple(
            FrameFault(str(status[a]), float(self.edges_s[a]), float(self.edges_s[b]))
            for a, b in zip(starts, stops, strict=False)
            if status[a] != "ok"
        )

    @cached_property
    def track_summaries(self) -> tuple[TrackSummary, ...]:
        """A summary of every track, those present longest first."""
        return summarise_tracks(self.tracks, self.edges_s)

    @cached_property
    def slots(self) -> Mapping[int, int]:
        """Class id to its slot among the page's class colours."""
        return class_slots(summary.class_id for summary in self.track_summaries)

    @cached_property
    def label_paints(self) -> tuple[LabelPaint, ...]:
        """The colour of each value of the label maps; empty without a field."""
        if self.semantic_field is None:
            return ()
        class_ids = {summary.class_name: summary.class_id for summary in self.track_summaries}
        return assign_paints(self.semantic_field.metadata.classes, class_ids, self.slots)

    @cached_property
    def used_slots(self) -> frozenset[int]:
        """Slots of the class colours that the page uses."""
        painted = {paint.slot for paint in self.label_paints if paint.slot is not None}
        return frozenset({*self.slots.values(), *painted})
