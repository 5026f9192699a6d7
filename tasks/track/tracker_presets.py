"""Published trackers as settings of this one: what differs from `params.yaml`.

Each preset has its authors' values and nothing that needs the whole video. Their gaps, which they count in frames, are
in seconds at 30 frames per second here. On the same detections bytetrack, and botsort without pictures, give the
identities of ultralytics' ByteTrack and BoT-SORT (tests/evaluate/test_preset_references.py), with its score thresholds.
What stays ours: a track appears from its first detection on, not from the one that confirmed it, and has one class;
sort, ocsort and deepsort have the score thresholds that suit the detector, the noise in `kalman_filter` and the
tracker's own life cycle of tracks; appearance is a moving average instead of DeepSORT's gallery. Each choice in which
these three differ from the packages `trackers` and `deep-sort-realtime` is named and tested in
tests/evaluate/test_sort_references.py (docs/decisions/0018-tracker-parts.md); they differ in nothing else. The
appearance network was not trained for re-identification: for deepsort it is that of deep-sort-realtime, on crops, for
botsort `features` pooled per box. Without pictures botsort is its motion part alone, and deepsort is SORT with a longer
max_gap_s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.track.frame_times import PUBLISHED_FRAME_RATE

ONLINE_ONLY: Mapping[str, Any] = {
    "link_max_gap_s": 0.0,
    "min_confidence": 0.0,
    "smoothing_s": 0.0,
    "duplicate_iou": 1.0,
    "interpolate": False,
}
"""Without linking, filtering, smoothing and interpolation, which need the whole video."""
WITHOUT_VISUAL_CUES: Mapping[str, Any] = {
    "camera_compensation": False,
    "appearance": "none",
    "link_max_appearance_distance": 0.0,
    "flow_prediction": False,
}
"""Tracking from the detections alone."""
PLAIN_ASSOCIATION: Mapping[str, Any] = {
    **WITHOUT_VISUAL_CUES,
    "life_cycle": "uniform",
    "fuse_score": False,
    "filter_state": "size",
    "score_adaptive_noise": False,
    "momentum": 0.0,
    "observation_recovery": False,
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Bewley et al. 2016, https://github.com/abewley/sort: all detections alike, age 1.
    "sort": {
        **ONLINE_ONLY,
        **PLAIN_ASSOCIATION,
        "high_score": 0.0,
        "low_score": 0.0,
        "min_iou": 0.3,
        "n_init": 3,
        "max_gap_s": 1 / PUBLISHED_FRAME_RATE,
    },
    # Zhang et al. 2022, https://github.com/ifzhang/ByteTrack: match_thresh .8, second round .5.
    "bytetrack": {
        **ONLINE_ONLY,
        **PLAIN_ASSOCIATION,
        "min_iou": 0.2,
        "min_iou_low": 0.5,
        "fuse_score": True,
        "filter_state": "aspect",
        "life_cycle": "bytetrack",
        "high_score": 0.25,
        "low_score": 0.1,
        "n_init": 2,
        "max_gap_s": 30 / PUBLISHED_FRAME_RATE,
    },
    # Cao et al. 2023, https://github.com/noahcao/OC_SORT: inertia .2, min_hits 3, max_age 30, no second round.
    "ocsort": {
        **ONLINE_ONLY,
        **WITHOUT_VISUAL_CUES,
        "life_cycle": "uniform",
        "high_score": 0.3,
        "low_score": 0.3,
        "min_iou": 0.3,
        "fuse_score": False,
        "filter_state": "size",
        "score_adaptive_noise": False,
        "momentum": 0.2,
        "observation_recovery": True,
        "n_init": 3,
        "max_gap_s": 30 / PUBLISHED_FRAME_RATE,
    },
    # Wojke et al. 2017, https://github.com/nwojke/deep_sort: appearance before overlap, max_iou_distance .7,
    # max_age 30.
    "deepsort": {
        **ONLINE_ONLY,
        **PLAIN_ASSOCIATION,
        "high_score": 0.3,
        "low_score": 0.3,
        "min_iou": 0.3,
        "appearance": "first",
        "appearance_source": "crops",
        "appearance_max_distance": 0.2,
        "appearance_min_iou": 0.0,
        "n_init": 3,
        "max_gap_s": 30 / PUBLISHED_FRAME_RATE,
    },
    # Aharon et al. 2022, https://github.com/NirAharon/BoT-SORT: match_thresh .8, proximity_thresh .5,
    # appearance_thresh .25 of half the cosine distance.
    "botsort": {
        **ONLINE_ONLY,
        **PLAIN_ASSOCIATION,
        "min_iou": 0.2,
        "min_iou_low": 0.5,
        "fuse_score": True,
        "life_cycle": "bytetrack",
        "high_score": 0.25,
        "low_score": 0.1,
        "camera_compensation": True,
        "appearance": "closest",
        "appearance_source": "features",
        "appearance_max_distance": 0.5,
        "appearance_min_iou": 0.5,
        "appearance_memory": 0.9,
        "n_init": 2,
        "max_gap_s": 30 / PUBLISHED_FRAME_RATE,
    },
}
