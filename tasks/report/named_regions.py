"""Matched regions with the names of their tracks, e.g. `person 3` in one frame and `person 5` in a later one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.matches import Matches
from tasks.artifacts.tracks import Tracks

NO_TRACK = 0  # tracks count from 1
Box = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NamedRegion:
    """A detection with the name it has on this page."""

    track_id: int
    """NO_TRACK where the detection belongs to no track."""
    class_name: str
    xyxy: Box
    """(4,) working-size pixels."""

    @property
    def name(self) -> str:
        """Class and track id, as everywhere on the page."""
        return f"{self.class_name} {self.track_id}" if self.track_id else f"{self.class_name}, in no track"


@dataclass(frozen=True, eq=False)
class RegionMatch:
    """Two matched regions."""

    frame_a: int
    frame_b: int
    a: NamedRegion
    b: NamedRegion
    cosine: float
    mutual: bool
    """Whether each is the other's best among all regions of both frames."""


@dataclass(frozen=True, eq=False)
class DetectionTracks:
    """The track of each detection."""

    ids: NDArray[np.int32]
    """(detections,) track_id, NO_TRACK where there is none."""
    class_names: Mapping[int, str]
    """Class name of each track."""

    @classmethod
    def from_tracks(cls, tracks: Tracks, detections: int) -> Self:
        """From the detected (not interpolated) rows of `tracks`."""
        ids = np.full(detections, NO_TRACK, np.int32)
        taken = tracks.detection >= 0
        ids[tracks.detection[taken]] = tracks.track_id[taken]
        _, first = np.unique(tracks.track_id, return_index=True)
        return cls(ids, {int(tracks.track_id[row]): str(tracks.class_name[row]) for row in first})

    def name_region(self, detection: int, class_name: str, xyxy: Box) -> NamedRegion:
        """A detection with its track's name, or its own class where it has no track."""
        track_id = int(self.ids[detection])
        return NamedRegion(track_id, self.class_names.get(track_id, class_name), xyxy)


def list_region_matches(matches: Matches, rows: NDArray[np.intp], track_of: DetectionTracks) -> list[RegionMatch]:
    """The matches in `rows`, in descending order of similarity."""
    order = rows[np.argsort(-matches.cosine[rows], kind="stable")]
    boxes = {
        side: np.stack([getattr(matches, f"{side}_{edge}")[order] for edge in ("x1", "y1", "x2", "y2")], axis=1)
        for side in ("a", "b")
    }
    return [
        RegionMatch(
            frame_a=int(matches.frame_a[row]),
            frame_b=int(matches.frame_b[row]),
            a=track_of.name_region(int(matches.detection_a[row]), str(matches.class_name_a[row]), boxes["a"][i]),
            b=track_of.name_region(int(matches.detection_b[row]), str(matches.class_name_b[row]), boxes["b"][i]),
            cosine=float(matches.cosine[row]),
            mutual=bool(matches.mutual[row]),
        )
        for i, row in enumerate(order)
    ]


@dataclass(frozen=True, eq=False)
class TrackerAgreement:
    """Agreement of region matches with the tracks."""

    tracked: int
    """Matches between two regions that each belong to a track."""
    in_one_track: int
    """Those of them within one track."""
    split_rows: NDArray[np.intp]
    """The most similar match of each pair of different tracks, in descending order of similarity."""


def compare_with_tracker(matches: Matches, rows: NDArray[np.intp], track_of: DetectionTracks) -> TrackerAgreement:
    """The agreement of the matches in `rows` with the tracks."""
    a, b = track_of.ids[matches.detection_a[rows]], track_of.ids[matches.detection_b[rows]]
    both = (a != NO_TRACK) & (b != NO_TRACK)
    apart = np.flatnonzero(both & (a != b))
    apart = apart[np.argsort(-matches.cosine[rows[apart]], kind="stable")]
    _, first = np.unique(np.stack([a[apart], b[apart]], axis=1), axis=0, return_index=True)
    return TrackerAgreement(int(both.sum()), int((both & (a == b)).sum()), rows[apart[np.sort(first)]])
