"""Filtering of tracks by the mean score of their detections."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.detections import Detections
from tasks.track.params import TrackParams
from tasks.track.tracklets import Tracklets


def filter_by_confidence(detections: Detections, tracklets: Tracklets, params: TrackParams) -> Tracklets:
    """The tracks whose detections have a mean score of at least `min_confidence`.

    A track with low scores throughout is mostly a false detection, however long it is; a single low score is common in
    good tracks. So the mean over the whole track decides, which needs the whole video.
    """
    score = detections.score[tracklets.detection].astype(np.float64)
    mean = np.bincount(tracklets.tracklet, score, minlength=len(tracklets)) / np.maximum(tracklets.size, 1)
    return tracklets.select_tracklets(mean >= params.min_confidence)
