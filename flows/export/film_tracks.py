"""Tracks in frames and pixels of the film: what formats write that other tools lay over the film itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from flows.export.export_source import ExportSource
from flows.export.film_timeline import FilmTimeline
from tasks.arrays import Boxes, Floats, Indices
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError


@dataclass(frozen=True, eq=False)
class FilmTracks:
    """A row per tracked object and frame, ordered by frame, then identity."""

    frame: NDArray[np.int64]
    """(n,) image of the film, from 0."""
    track_id: NDArray[np.int32]
    class_name: NDArray[np.object_]
    score: NDArray[np.float32]
    xyxy: Boxes
    """(n, 4) edges in pixels of the film."""
    seen: NDArray[np.bool_]
    """(n,) whether a detection is behind the row."""

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: Indices) -> FilmTracks:
        """Only `rows`."""
        return FilmTracks(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def boxes(self, rows: Indices) -> Floats:
        """(n, 5) frame, left, top, right, bottom of `rows`."""
        return np.concatenate([self.frame[rows, None].astype(np.float64), self.xyxy[rows]], axis=1)


def read_film_tracks(source: ExportSource, classes: Collection[str] = ()) -> FilmTracks:
    """The tracks of a video, of `classes` alone if there are any."""
    return place_in_film(select_classes(source.load(Tracks), classes), source.timeline)


def place_in_film(tracks: Tracks, timeline: FilmTimeline) -> FilmTracks:
    """A table of tracks in frames and pixels of the film; SemflowError where it is of other frames than `timeline`."""
    if tracks.frame_count != len(timeline):
        raise SemflowError(
            f"tracks must be of the {len(timeline)} frames at hand, got some of {tracks.frame_count}; the film or "
            "decode.fps has changed since: run `semflow run` and export again"
        )
    width, height = timeline.film_size
    scale = np.tile([width / tracks.width, height / tracks.height], 2)
    return FilmTracks(
        frame=timeline.film_frame[tracks.frame],
        track_id=tracks.track_id,
        class_name=tracks.class_name,
        score=tracks.score,
        xyxy=tracks.xyxy.astype(np.float64) * scale,
        seen=tracks.detection >= 0,
    )


def select_classes(tracks: Tracks, classes: Collection[str]) -> Tracks:
    """The rows of `classes`, all where none is named."""
    return tracks.take(np.isin(tracks.class_name, list(classes))) if classes else tracks


def check_classes(sources: Collection[ExportSource], classes: Collection[str]) -> None:
    """SemflowError where one of `classes` is in no video."""
    if not classes:
        return
    there = {str(name) for source in sources for name in source.load(Tracks).class_name}
    for name in classes:
        if name not in there:
            raise SemflowError(f"--classes must be among {', '.join(sorted(there)) or 'none'}, got {name!r}")
