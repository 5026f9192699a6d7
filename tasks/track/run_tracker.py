"""Both passes in a row: from detections, and what pictures tell beside them, to the table of tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.track.filter_tracks import filter_by_confidence
from tasks.track.online_tracking import form_tracklets
from tasks.track.track_table import build_track_table
from tasks.track.tracklet_linking import link_tracklets
from tasks.track.visual_cues import NO_CUES, VisualCues

if TYPE_CHECKING:
    from tasks.track.params import TrackParams


def track_detections(detections: Detections, params: TrackParams, sight: VisualCues = NO_CUES) -> Tracks:
    """What the stage `track` gives; without `sight`, what the detections alone tell."""
    tracklets, carried = form_tracklets(detections, params, sight)
    lasting = filter_by_confidence(detections, link_tracklets(detections, tracklets, params, sight), params)
    return build_track_table(detections, lasting, params, sight.camera, carried)
