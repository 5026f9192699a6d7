"""The stage `report`: everything known about a video on one page, and the video with what was seen drawn over it."""

from __future__ import annotations

from pathlib import Path

from tasks.artifacts.actions import Actions
from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.masks import Masks
from tasks.artifacts.matches import Matches
from tasks.artifacts.poses import Poses
from tasks.artifacts.report import Report
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.report.params import ReportParams
from tasks.stage import stage


@stage(libraries=("av", "jinja2", "markupsafe", "numpy", "opencv-python", "pyarrow", "pycocotools"))
def report(  # noqa: PLR0913  a stage's signature names all it reads
    *,
    frames: Frames,
    detections: Detections,
    masks: Masks,
    dense_flow: DenseFlow,
    shots: Shots,
    features: Features,
    semantic_flow: SemanticFlow,
    matches: Matches,
    tracks: Tracks,
    poses: Poses,
    kinematics: Kinematics,
    actions: Actions,
    semantic_field: SemanticField,
    params: ReportParams,
) -> StreamingArtifact[Report]:
    """Write the page, and beside it the film and its data; memory holds one frame or pair, all maps small."""

    def write(folder: Path) -> None:
        from tasks.report.film_data.film_script import render_film_script
        from tasks.report.overlay.overlay_video import write_overlay
        from tasks.report.overlay.plain_film import write_film
        from tasks.report.page import render_page
        from tasks.report.report_data import ReportData

        data = ReportData(
            frames=frames,
            detections=detections,
            masks=masks,
            dense_flow=dense_flow,
            shots=shots,
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
        if data.has_film:
            write_film(folder / Report.FILM, data)
            script = render_film_script(data)
            (folder / Report.FILM_SCRIPT).write_text(script, encoding="utf-8", newline="\n")
        if data.has_overlay:
            write_overlay(folder / Report.OVERLAY, data)
        (folder / Report.PAGE).write_text(render_page(data), encoding="utf-8", newline="\n")

    return StreamingArtifact(Report, write)
