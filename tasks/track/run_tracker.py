"""The whole tracker: online tracking, tracklet linking, filtering, path smoothing."""

from __future__ import annotations

from tasks.arrays import Floats
from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.track.filter_tracks import filter_by_confidence
from tasks.track.online_tracking import form_tracklets
from tasks.track.params import TrackParams
from tasks.track.track_table import build_track_table
from tasks.track.tracklet_linking import link_tracklets
from tasks.track.visual_cues import NO_CUES, VisualCues


def track_detections(detections: Detections, pts_s: Floats, params: TrackParams, cues: VisualCues = NO_CUES) -> Tracks:
    """The table of tracks, from the detections, the times of all frames, and the visual cues."""
    tracklets, propagated = form_tracklets(detections, pts_s, params, cues)
    linked = link_tracklets(detections, pts_s, tracklets, params, cues)
    if cues.shot is not None:
        linked = linked.split_by(cues.shot[detections.frame])
    tracks = filter_by_confidence(detections, linked, params)
    return build_track_table(detections, pts_s, tracks, params, cues.camera_motion, propagated=propagated)
