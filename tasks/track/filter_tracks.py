"""Which tracks are worth telling about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.artifacts.detections import Detections
from tasks.track.tracklets import Tracklets

if TYPE_CHECKING:
    from tasks.track.params import TrackParams


def filter_by_confidence(detections: Detections, tracklets: Tracklets, params: TrackParams) -> Tracklets:
    """The tracks whose detections score at least `min_confidence` on average.

    What a detector is unsure of frame after frame is mostly something else, however long it lasts; a single poor score
    says little. So the whole track is judged, as only the end of the video allows.
    """
    score = detections.score[tracklets.detection].astype(np.float64)
    mean = np.bincount(tracklets.tracklet, score, minlength=len(tracklets)) / np.maximum(tracklets.size, 1)
    return tracklets.only(mean >= params.min_confidence)
