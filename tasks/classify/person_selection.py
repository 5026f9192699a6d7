"""Selection of the tracked people that are classified one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.tracks import Tracks
from tasks.streams.video_clips import ClipWindow

PERSON = "person"  # COCO's name of the class
MIN_TRACKED_SHARE = 0.5  # of a window in which a person must be tracked to be classified in it


@dataclass(frozen=True, eq=False)
class SubjectTrack:
    """The track of one person."""

    track_id: int
    frames: NDArray[Any]
    """(k,) frames in which they are tracked, increasing."""
    xyxy: NDArray[np.float32]
    """(k, 4) boxes in these frames, pixels."""

    def is_in(self, window: ClipWindow) -> bool:
        """Whether they are tracked in at least MIN_TRACKED_SHARE of the window's frames."""
        return bool(np.isin(window.frames, self.frames).mean() >= MIN_TRACKED_SHARE)

    def restrict_to(self, window: ClipWindow) -> SubjectTrack:
        """The part of the track in the window's shot: behind a cut, positions tell nothing about this window."""
        chosen = window.is_in_shot(self.frames)
        return SubjectTrack(self.track_id, self.frames[chosen], self.xyxy[chosen])


def select_longest_tracks(tracks: Tracks, most: int) -> tuple[SubjectTrack, ...]:
    """Up to `most` people with the most tracked frames; of equals the lower track ids."""
    chosen = tracks.take(tracks.class_name == PERSON)
    ids, counts = np.unique(chosen.track_id, return_counts=True)
    kept = np.sort(ids[np.argsort(-counts, kind="stable")[:most]])
    return tuple(_make_subject_track(chosen.take(chosen.track_id == track_id)) for track_id in kept)


def _make_subject_track(rows: Tracks) -> SubjectTrack:
    return SubjectTrack(int(rows.track_id[0]), rows.frame, rows.xyxy)
