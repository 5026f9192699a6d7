"""Detections that tell trackers apart, and the identities that a preset makes of them."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.detections import Detections
from tasks.track.frame_times import regular_times
from tasks.track.online_tracking import form_tracklets
from tasks.track.tracker_presets import PRESETS, WITHOUT_VISUAL_CUES
from tests.track.scenes import make_detections, make_params

Identities = set[tuple[int, ...]]
"""Rows of the detections of each track."""


def preset_identities(name: str, detections: Detections) -> list[tuple[int, ...]]:
    """Of the preset, in order of appearance, without pictures."""
    params = make_params(**{**PRESETS[name], **WITHOUT_VISUAL_CUES})
    tracklets, _ = form_tracklets(detections, regular_times(detections.frame_count), params)
    return [
        tuple(tracklets.detection[a : b + 1].tolist()) for a, b in zip(tracklets.first, tracklets.last, strict=True)
    ]


def make_crowd(seed: int) -> Detections:
    """Fifteen people who cross, are missed for a while, and are seen with changing scores."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, tuple[float, float, float, float], float, int]] = []
    for _ in range(15):
        (x, y), speed = random.uniform(0, 400, 2), random.normal(0, 4, 2)
        hidden = random.integers(10, 80)
        for frame in range(int(random.integers(0, 40)), 100):
            if hidden <= frame < hidden + 20 or random.uniform() < 0.1:
                continue
            left, top = np.array([x, y]) + frame * speed + random.normal(0, 1.5, 2)
            width, height = 30 + random.normal(0, 1), 80 + random.normal(0, 2)
            box = (float(left), float(top), float(left + width), float(top + height))
            rows.append((frame, box, float(random.uniform(0.11, 1)), 0))
    return make_detections(sorted(rows, key=lambda row: (row[0], -row[2])), 100)


def make_throng() -> Detections:
    """Twenty-five people on one spot who turn and are missed: every choice in which SORTs differ changes a track."""
    random, frames = np.random.default_rng(7), 40
    rows: list[tuple[int, tuple[float, float, float, float], float, int]] = []
    for _ in range(25):
        start, first_step, steps = (
            random.uniform(0, 120, 2),
            random.normal(0, 3, 2),
            random.normal(0, 0.35, (frames, 2)),
        )
        path = start + np.cumsum(first_step + np.cumsum(steps, axis=0), axis=0)
        hidden = random.integers(10, frames)
        for frame in range(int(random.integers(0, frames // 3)), frames):
            if hidden <= frame < hidden + 6 or random.uniform() < 0.12:
                continue
            left, top = path[frame] + random.normal(0, 1.5, 2)
            width, height = 30 + random.normal(0, 1), 80 + random.normal(0, 2)
            box = (float(left), float(top), float(left + width), float(top + height))
            rows.append((frame, box, float(random.uniform(0.11, 1)), 0))
    return make_detections(sorted(rows, key=lambda row: (row[0], -row[2])), frames)
