"""Who is looked at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tracks import Tracks
from tasks.streams.video_clips import ClipWindow

PERSON = "person"  # COCO's name of the class
MIN_TRACKED_SHARE = 0.5  # of a window in which a person must be tracked to be judged in it


@dataclass(frozen=True, eq=False)
class SubjectTrack:
    """One track."""

    track_id: int
    frames: NDArray[Any]
    """(k,) where they are tracked, increasing."""
    xyxy: NDArray[np.float32]
    """(k, 4) boxes there, pixels."""

    def is_in(self, window: ClipWindow) -> bool:
        """Whether they are tracked in enough of the window's frames."""
        return bool(np.isin(window.frames, self.frames).mean() >= MIN_TRACKED_SHARE)

    def during(self, window: ClipWindow) -> SubjectTrack:
        """The track in the window's shot alone: across a cut it may go on, but not where it was."""
        chosen = window.in_shot(self.frames)
        return SubjectTrack(self.track_id, self.frames[chosen], self.xyxy[chosen])


def select_longest_tracks(tracks: Tracks, most: int) -> tuple[SubjectTrack, ...]:
    """The `most` people with the most frames, by identity where these are as many."""
    chosen = tracks.take(tracks.class_name == PERSON)
    ids, counts = np.unique(chosen.track_id, return_counts=True)
    kept = np.sort(ids[np.argsort(-counts, kind="stable")[:most]])
    return tuple(_make_subject_track(chosen.take(chosen.track_id == track_id)) for track_id in kept)


def _make_subject_track(rows: Tracks) -> SubjectTrack:
    return SubjectTrack(int(rows.track_id[0]), rows.frame, rows.xyxy)


def select_present(people: Sequence[SubjectTrack], window: ClipWindow) -> list[SubjectTrack]:
    """Those who can be judged in `window`, as they are tracked in its shot."""
    return [person.during(window) for person in people if person.is_in(window)]
