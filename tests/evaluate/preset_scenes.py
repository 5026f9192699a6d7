"""Detections that tell trackers apart, and the identities that a preset makes of them."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.detections import Detections
from tasks.track.frame_times import regular_times
from tasks.track.online_tracking import form_tracklets
from tasks.track.tracker_presets import PRESETS, WITHOUT_VISUAL_CUES
from tasks.track.visual_cues import NO_CUES, VisualCues
from tests.track.scenes import make_detections, make_params

Identities = set[tuple[int, ...]]
"""Rows of the detections of each track."""
Row = tuple[int, tuple[float, float, float, float], float, int]
THRONG, THRONG_FRAMES = 25, 40
EMBEDDING_NOISE = 0.45
APPEARANCE_MEMORY = 0.9


def preset_identities(name: str, detections: Detections, embeddings: np.ndarray | None = None) -> list[tuple[int, ...]]:
    """Of the preset, in order of appearance, without pictures, or with the embeddings of all detections."""
    plain = WITHOUT_VISUAL_CUES if embeddings is None else {}
    params = make_params(**{"appearance_memory": APPEARANCE_MEMORY, **PRESETS[name], **plain})
    cues = NO_CUES if embeddings is None else make_embedding_cues(detections, embeddings)
    tracklets, _ = form_tracklets(detections, regular_times(detections.frame_count), params, cues)
    return [
        tuple(tracklets.detection[a : b + 1].tolist()) for a, b in zip(tracklets.first, tracklets.last, strict=True)
    ]


def make_embedding_cues(detections: Detections, embeddings: np.ndarray) -> VisualCues:
    """Cues that know the embedding of every detection by its frame and box."""
    places = zip(detections.frame.tolist(), detections.xyxy.tolist(), strict=True)
    row = {(frame, *box): n for n, (frame, box) in enumerate(places)}

    def embed(frame: int, xyxy: np.ndarray) -> np.ndarray:
        return embeddings[[row[frame, *box] for box in xyxy.tolist()]]

    return VisualCues(embedder=embed, embedding_size=embeddings.shape[1])


def make_crowd(seed: int) -> Detections:
    """Fifteen people who cross, are missed for a while, and are seen with changing scores."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
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
    return make_detections([row for row, _ in _draw_throng()], THRONG_FRAMES)


def make_throng_embeddings() -> np.ndarray:
    """(n, 8) unit vectors of the detections of `make_throng`: one of each person, with noise."""
    random = np.random.default_rng(8)
    people = random.normal(0, 1, (THRONG, 8))
    found = np.array([people[person] for _, person in _draw_throng()])
    found += random.normal(0, EMBEDDING_NOISE, found.shape)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def _draw_throng() -> list[tuple[Row, int]]:
    """Rows and the person each shows."""
    random, frames = np.random.default_rng(7), THRONG_FRAMES
    rows: list[tuple[Row, int]] = []
    for person in range(THRONG):
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
            rows.append(((frame, box, float(random.uniform(0.11, 1)), 0), person))
    return sorted(rows, key=lambda row: (row[0][0], -row[0][2]))
