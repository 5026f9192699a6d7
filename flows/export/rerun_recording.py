"""Rerun: `<video>.rrd`, a recording with the images, boxes, keypoints and joint angles of a film.

Format: rerun.io, written by rerun-sdk. Timelines are `frame` and `pts` (the film's own times); pixels are at working
size. Entities: `film` (images), `film/objects` (boxes, coloured by identity), `film/people` (trusted keypoints),
`angles/<joint>/id_7`. Open it with `rerun <video>.rrd`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_tracks import select_classes
from tasks.artifacts.image_codec import encode_image
from tasks.artifacts.kinematics import JOINTS, Kinematics
from tasks.artifacts.poses import Poses
from tasks.artifacts.tracks import Tracks

JPEG_QUALITY = 90


def export_rerun(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write one recording for each video."""
    import rerun

    for source in sources:
        recording = rerun.RecordingStream("semflow", recording_id=source.name)
        recording.save(str(folder / f"{source.file_stem}.rrd"))
        recording.set_log_time_enabled(False)  # no clock in what is written
        recording.set_log_tick_enabled(False)
        _log_frames(recording, source, select_classes(source.load(Tracks), options.classes))
        _log_angles(recording, source)
        recording.flush()
        recording.disconnect()


def _log_frames(recording: Any, source: ExportSource, tracks: Tracks) -> None:
    """The image, boxes and keypoints of each frame."""
    import rerun

    timeline, poses = source.timeline, source.find(Poses)
    images = source.timeline.read_images()
    pending = next(images, None)
    for frame in range(len(timeline)):
        _set_time(recording, frame, float(timeline.pts_s[frame]))
        if pending is not None and pending[0] == frame:
            data = encode_image(pending[1], "jpeg", JPEG_QUALITY)[0]
            recording.log("film", rerun.EncodedImage(contents=data, media_type="image/jpeg"))
            pending = next(images, None)
        rows = np.flatnonzero(tracks.frame == frame)
        labels = [f"{tracks.class_name[row]} {tracks.track_id[row]}" for row in rows.tolist()]
        boxes = rerun.Boxes2D(
            array=tracks.xyxy[rows],
            array_format=rerun.Box2DFormat.XYXY,
            labels=labels,
            class_ids=tracks.track_id[rows].astype(np.uint16),
        )
        recording.log("film/objects", boxes)
        if poses is not None:
            people = np.flatnonzero(poses.frame == frame)
            trusted = poses.trusted[people] & ~np.isnan(poses.x[people])
            owner = np.repeat(poses.track_id[people], trusted.sum(1)).astype(np.uint16)
            recording.log("film/people", rerun.Points2D(poses.xy[people][trusted], class_ids=owner, radii=2.0))


def _log_angles(recording: Any, source: ExportSource) -> None:
    """The joint angles of each person over time, degrees."""
    import rerun

    kinematics = source.find(Kinematics)
    if kinematics is None:
        return
    for identity in np.unique(kinematics.track_id).tolist():
        mine = kinematics.take(kinematics.track_id == identity)
        for joint in JOINTS:
            known = ~np.isnan(mine.angle(joint))
            columns = rerun.Scalars.columns(scalars=mine.angle(joint)[known].astype(np.float64))
            times = [
                rerun.TimeColumn("frame", sequence=mine.frame[known]),
                rerun.TimeColumn("pts", duration=mine.pts_s[known]),
            ]
            if known.any():
                recording.send_columns(f"angles/{joint}/id_{identity}", indexes=times, columns=columns)


def _set_time(recording: Any, frame: int, pts_s: float) -> None:
    recording.set_time("frame", sequence=frame)
    recording.set_time("pts", duration=pts_s)
