"""The stage `report`: everything known about a video on one page, and the video with what was seen drawn over it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from tasks.artifacts.actions import Actions
from tasks.artifacts.artifact import Streamed
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.matches import Matches
from tasks.artifacts.poses import Poses
from tasks.artifacts.report import Report
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.tracks import Tracks
from tasks.params import Params
from tasks.stage import stage


class ReportParams(Params):
    """What goes onto the page, and how the overlay video is drawn and encoded."""

    overlay: bool
    """Whether to make overlay.mp4; without it the page has no player and is made several times faster."""
    trail: int = Field(ge=0)
    """Length of the trail behind each track's centre, in frames; 0 draws none."""
    crf: int = Field(ge=0, le=51)
    """x264's constant rate factor of overlay.mp4: 0 is lossless, 18 looks so, 23 is x264's default, more is smaller."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
    """x264's trade of speed against size."""
    key_frames: int = Field(ge=0)
    """Pictures in the strip of key frames, evenly spaced in time."""
    motion_pictures: int = Field(ge=0)
    """Moments shown in the colours of their motion, evenly spaced in time; 0 leaves the curve of speed alone."""
    feature_pictures: int = Field(ge=0)
    """Moments shown in the colours of their features, evenly spaced in time; 0 leaves the section out."""
    matched_pairs: int = Field(ge=0)
    """Pairs of frames shown with what means the same in both, those with most motion; 0 leaves the section out."""
    portraits: int = Field(ge=0)
    """Most pictures in the gallery of tracks; those present longest come first."""
    timeline_rows: int = Field(ge=0)
    """Most tracks drawn in the timeline; those present longest are kept."""
    table_rows: int = Field(ge=0)
    """Most tracks listed in the table; those present longest are kept."""


@stage(libraries=("av", "jinja2", "markupsafe", "numpy", "opencv-python", "pyarrow"))
def report(
    *,
    frames: Frames,
    detections: Detections,
    dense_flow: DenseFlow,
    features: Features,
    semantic_flow: SemanticFlow,
    matches: Matches,
    tracks: Tracks,
    poses: Poses,
    kinematics: Kinematics,
    actions: Actions,
    semantic_field: SemanticField,
    params: ReportParams,
) -> Streamed[Report]:
    """Write `index.html`, self-contained, and beside it `overlay.mp4`; memory holds one frame or pair at a time."""

    def write(folder: Path) -> None:
        from tasks.report.dossier import Dossier
        from tasks.report.overlay.film import write_overlay
        from tasks.report.page import render

        dossier = Dossier(
            frames=frames,
            detections=detections,
            dense_flow=dense_flow,
            features=features,
            semantic_flow=semantic_flow,
            matches=matches,
            tracks=tracks,
            poses=poses,
            kinematics=kinematics,
            actions=actions,
            semantic_field=semantic_field,
            params=params,
        )
        folder.mkdir(parents=True, exist_ok=True)
        if dossier.has_overlay:
            write_overlay(folder / Report.OVERLAY, dossier)
        (folder / Report.PAGE).write_text(render(dossier), encoding="utf-8", newline="\n")

    return Streamed(Report, write)
