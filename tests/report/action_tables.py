"""Tables of made-up action labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.artifacts.actions import CAM_SIDE, Actions
from tasks.artifacts.table import NULL

Row = tuple[int, int, str, int, int, str, float]
"""(first frame, last frame, stream, track or NULL, rank, label, probability)."""
VOCABULARIES = {"rgb": "kinetics-400", "flow": "synthetic", "fused": "team"}


def make_actions(rows: Sequence[Row], notes: Sequence[str] = (), **changes: object) -> Actions:
    facts = {"frame_count": 12, "width": 160, "height": 90, "network": "i3d", "notes": list(notes)}
    if not rows:
        return Actions.empty(**facts, confident_from=0.5)
    first, last, stream, track_id, rank, label, probability = zip(*rows, strict=True)
    peak = np.zeros((CAM_SIDE, CAM_SIDE), np.uint8)
    peak[1, 5] = 255
    columns = {
        "window": np.unique(first, return_inverse=True)[1].astype(np.int32),
        "first_frame": np.array(first, np.int32),
        "last_frame": np.array(last, np.int32),
        "start_s": np.array(first) / 25,
        "end_s": np.array(last) / 25,
        "looped": np.zeros(len(rows), np.bool_),
        "stream": np.array(stream, object),
        "track_id": np.array(track_id, np.int32),
        "vocabulary": np.array([VOCABULARIES[s] for s in stream], object),
        "rank": np.array(rank, np.int16),
        "label": np.array(label, object),
        "probability": np.array(probability, np.float32),
        "confident": np.array([r == 1 and p >= 0.5 for r, p in zip(rank, probability, strict=True)]),
        **{name: np.full(len(rows), at, np.float32) for name, at in zip(("x1", "y1"), (34.5, -0.5), strict=True)},
        **{name: np.full(len(rows), at, np.float32) for name, at in zip(("x2", "y2"), (124.5, 89.5), strict=True)},
        "cam_frame": np.array([NULL if s == "fused" else f for f, s in zip(first, stream, strict=True)], np.int32),
        "cam": np.tile(peak.reshape(-1), (len(rows), 1)),
    }
    return Actions(**{**columns, **facts, "confident_from": 0.5, **changes})
