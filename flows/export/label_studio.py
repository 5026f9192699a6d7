"""Label Studio: `tasks.json` with a task per film whose tracks are predictions, and `config.xml` for the project.

Format: labelstud.io/tags/videorectangle. Frames count from 1, sides are per cent of the picture. `video` of a task is
the film's name below data/raw: replace it by the URL under which Label Studio serves the film.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_tracks import FilmTracks, read_film_tracks
from tasks.artifacts.tracks import Tracks

FIRST_FRAME = 1
PER_CENT = 100
DECIMALS = 4
REGION = "box"


def export_label_studio(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write the tasks of all videos and the labelling configuration."""
    tracks = {source.name: read_film_tracks(source, options.classes) for source in sources}
    tasks = [make_task(source, tracks[source.name]) for source in sources]
    (folder / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    names = sorted({str(name) for one in tracks.values() for name in one.class_name})
    rates = {source.timeline.report.fps for source in sources}
    (folder / "config.xml").write_text(make_config(names, max(rates)), encoding="utf-8")


def make_config(names: Sequence[str], fps: float) -> str:
    """The labelling configuration with a label per class."""
    labels = "".join(f"    <Label value={quoteattr(name)}/>\n" for name in names)
    return (
        f'<View>\n  <Labels name="label" toName="video">\n{labels}  </Labels>\n'
        f'  <Video name="video" value="$video" frameRate="{fps:g}"/>\n'
        f'  <VideoRectangle name="{REGION}" toName="video"/>\n</View>\n'
    )


def make_task(source: ExportSource, tracks: FilmTracks) -> dict[str, Any]:
    """The task of one film with a region per identity."""
    return {
        "data": {"video": source.project.videos[source.name].relative, "name": source.name},
        "predictions": [{"model_version": Tracks.FOLDER, "result": list(_make_regions(source, tracks))}],
    }


def _make_regions(source: ExportSource, tracks: FilmTracks) -> Iterator[dict[str, Any]]:
    timeline = source.timeline
    width, height = timeline.film_size
    times = dict(zip(timeline.film_frame.tolist(), timeline.pts_s.tolist(), strict=True))
    for identity in np.unique(tracks.track_id).tolist():
        rows = np.flatnonzero(tracks.track_id == identity)
        left, top, right, bottom = (tracks.xyxy[rows] / [width, height, width, height] * PER_CENT).T
        sides = np.stack([left, top, right - left, bottom - top], axis=1).round(DECIMALS).tolist()
        frames = tracks.frame[rows].tolist()
        following = [*frames[1:], frames[-1] + 2]
        yield {
            "id": f"track-{identity}",
            "type": "videorectangle",
            "from_name": REGION,
            "to_name": "video",
            "score": float(tracks.score[rows].mean()),
            "meta": {"text": [str(identity)]},
            "value": {
                "framesCount": int(timeline.film_frame[-1]) + 1,
                "duration": timeline.report.duration_s,
                "labels": [str(tracks.class_name[rows[0]])],
                "sequence": [
                    {
                        "frame": frame + FIRST_FRAME,
                        "time": times[frame],
                        # Label Studio interpolates to the next box of the list while the region is enabled.
                        "enabled": after == frame + 1,
                        "rotation": 0,
                        **dict(zip(("x", "y", "width", "height"), box, strict=True)),
                    }
                    for frame, after, box in zip(frames, following, sides, strict=True)
                ],
            },
        }
