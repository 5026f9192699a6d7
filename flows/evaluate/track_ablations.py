"""What each part of the tracker is worth: the settings that `--ablations` of the suites mot and tracking compares.

Each setting takes one part away from the section `track` of params.yaml, or adds one that it leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.track.params import TrackParams

Changes = Mapping[str, Any]
"""Parameter to its value; text that is the name of another parameter stands for that one's value."""

FROM_DETECTIONS: Mapping[str, Changes] = {
    "without removal of duplicates": {"duplicate_iou": 1.0},
    "without the second round (low scores)": {"low_score": "high_score"},
    "without linking": {"link_max_gap_s": 0.0},
    "without interpolation": {"interpolate": False},
    "without smoothing": {"smoothing_s": 0.0},
    "without min_confidence": {"min_confidence": 0.0},
    "without the second pass": {"link_max_gap_s": 0.0, "smoothing_s": 0.0, "interpolate": False, "min_confidence": 0.0},
    "with direction consistency (momentum .2)": {"momentum": 0.2},
    "with recovery by the latest box": {"observation_recovery": True},
    "with score-adaptive noise": {"score_adaptive_noise": True},
    "with the aspect ratio in the filter": {"filter_state": "aspect"},
    "with fused scores": {"fuse_score": True, "min_iou": 0.2},
    "with max_gap_s 1": {"max_gap_s": 1.0},
    "with max_gap_s 1, unlinked": {"max_gap_s": 1.0, "link_max_gap_s": 0.0},
}
"""Parts that read the detections alone."""
FROM_PICTURES: Mapping[str, Changes] = {
    "without camera compensation": {"camera_compensation": False},
    "with boxes propagated by flow": {"flow_prediction": True},
    "with appearance of crops, closest": {
        "appearance": "closest",
        "appearance_source": "crops",
        "appearance_max_distance": 0.15,
        "appearance_min_iou": 0.3,
    },
    "with appearance of crops over gaps": {"appearance_source": "crops", "link_max_appearance_distance": 0.15},
}
"""Parts that read dense flow or frames; distances as in mot_ablation.py, where they were chosen on rendered scenes."""


def replace_params(params: TrackParams, changes: Changes) -> TrackParams:
    """`params` with `changes`, validated."""
    given = params.model_dump()
    values = {
        key: given[value] if isinstance(value, str) and value in given else value for key, value in changes.items()
    }
    return TrackParams.model_validate(given | values)
