"""Rows of the action labels as segments of video: range of frames and tracked person; errors name the row's line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.action_labels import ActionLabel, ActionLabels, possible_video_names
from tasks.artifacts.action_model import StreamRegion
from tasks.artifacts.artifact import Dataset
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.errors import BadInput

LABELS_FILE = f"{ActionLabels.NAME}{ActionLabels.SUFFIX}"
PERSON = "person"


@dataclass(frozen=True)
class TrainingVideos:
    """Frames, flow, tracks and shots of all videos."""

    frames: Dataset[Frames]
    dense_flow: Dataset[DenseFlow]
    tracks: Dataset[Tracks]
    shots: Dataset[Shots]

    @property
    def videos(self) -> tuple[str, ...]:
        """Names of the videos that have all four."""
        others = self.dense_flow.paths, self.tracks.paths, self.shots.paths
        return tuple(video for video in self.frames.paths if all(video in paths for paths in others))


@dataclass(frozen=True, eq=False)
class BoxTrack:
    """Boxes of one person over time."""

    frames: NDArray[np.int32]
    """(k,) increasing."""
    xyxy: NDArray[np.float32]
    """(k, 4) boxes in pixels."""


@dataclass(frozen=True, eq=False)
class LabelSegment:
    """A row of the labels, with its frames and person."""

    video: str
    label: str
    first: int
    """First frame."""
    stop: int
    """The frame after the last one."""
    person: BoxTrack | None
    """Boxes of the person to classify; None for the whole frame."""
    track_id: int | None
    """Track id of the person."""
    row: ActionLabel


def load_label_segments(
    labels: ActionLabels, footage: TrainingVideos, region: StreamRegion
) -> Iterator[tuple[LabelSegment, Frames]]:
    """Every row of the labels with its video opened, videos in order of name; BadInput where a row fits no video."""
    by_video: dict[str, list[ActionLabel]] = {}
    for row in labels.rows:
        by_video.setdefault(find_video(row, footage.videos), []).append(row)
    for video, rows in sorted(by_video.items()):
        frames, tracks = Frames.load(footage.frames.paths[video]), Tracks.load(footage.tracks.paths[video])
        for row in rows:
            yield _make_segment(video, row, frames, tracks, region), frames


def find_video(row: ActionLabel, videos: Sequence[str]) -> str:
    """The video that a row names, with or without the suffix of its file."""
    for name in possible_video_names(row.video):
        if name in videos:
            return name
    near = sorted(videos, key=lambda name: (Path(name).name != Path(row.video).stem, name))[:3]
    raise BadInput(
        f"{LABELS_FILE}:{row.line}: video must be one that lies below data/raw and could be read, got {row.video!r}; "
        f"there are {', '.join(near) or 'none'}{', ...' if len(videos) > len(near) else ''}; `semflow plan` lists all"
    )


def _make_segment(video: str, row: ActionLabel, frames: Frames, tracks: Tracks, region: StreamRegion) -> LabelSegment:
    first, stop = _find_frame_range(row, frames)
    track_id = row.track_id
    if region == "person" and track_id is None:
        track_id = _find_longest_track(tracks, first, stop)
    if region == "frame" or track_id is None:
        return LabelSegment(video, row.label, first, stop, None, None, row)
    track_rows = np.flatnonzero(tracks.track_id == track_id)
    inside = track_rows[(tracks.frame[track_rows] >= first) & (tracks.frame[track_rows] < stop)]
    if not len(inside):
        known = sorted(set(tracks.track_id[(tracks.frame >= first) & (tracks.frame < stop)].tolist()))
        raise BadInput(
            f"{LABELS_FILE}:{row.line}: track_id must be one that is in {video} at that time, got {track_id}; "
            f"there are {', '.join(map(str, known)) or 'none'} (look at the report of {video})"
        )
    first, stop = int(tracks.frame[inside[0]]), int(tracks.frame[inside[-1]]) + 1
    return LabelSegment(
        video, row.label, first, stop, BoxTrack(tracks.frame[track_rows], tracks.xyxy[track_rows]), track_id, row
    )


def _find_frame_range(row: ActionLabel, frames: Frames) -> tuple[int, int]:
    """First frame and the one after the last, at least one of them decoded."""
    start = -np.inf if row.start_s is None else row.start_s
    end = np.inf if row.end_s is None else row.end_s
    first, stop = (int(at) for at in np.searchsorted(frames.pts_s, [start, end]))
    if not frames.ok[first:stop].any():
        last = f"{frames.pts_s[-1]:.2f} s" if len(frames) else "nowhere: it has no frames"
        raise BadInput(
            f"{LABELS_FILE}:{row.line}: start_s and end_s must lie in {row.video}, which ends at {last}, with whole "
            f"frames, got {row.start_s or 0:g} to {'the end' if row.end_s is None else f'{row.end_s:g}'}; "
            "times count from the start of the file, as players show them, whatever its own clock says"
        )
    return first, stop


def _find_longest_track(tracks: Tracks, first: int, stop: int) -> int | None:
    """Track id of the person with most frames in the segment, of equals the first; None without people."""
    inside = (tracks.frame >= first) & (tracks.frame < stop) & (tracks.class_name == PERSON)
    ids, count = np.unique(tracks.track_id[inside], return_counts=True)
    return int(ids[count.argmax()]) if len(ids) else None


def widen_range(first: int, stop: int, needed: int, count: int) -> tuple[int, int]:
    """[first, stop), made `needed` long where the video of `count` frames allows, equally on both sides."""
    missing = max(0, needed - (stop - first))
    first = max(0, min(first - missing // 2, count - needed))
    return first, min(count, max(stop, first + needed))
