"""Tables of tracks of things that move along straight lines."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.tracks import INTERPOLATED, Tracks


def make_tracks(frames: int = 24, width: int = 48, height: int = 32) -> Tracks:
    """Two people who walk towards each other, and a car that is there in two parts; every fifth row has no detection.

    Person 1 is in the upper half, person 2 in the lower; the car, 3, is absent in the middle third of the frames.
    """
    rows: list[tuple[int, int, str, int, list[float]]] = []
    for frame in range(frames):
        along = frame / max(frames - 1, 1) * (width - 12)
        rows += [
            (frame, 1, "person", 0, [along + 0.25, 2, along + 8.25, 14]),
            (frame, 2, "person", 0, [width - 10 - along, 17, width - 2 - along, 29]),
        ]
        if not frames / 3 <= frame < 2 * frames / 3:
            rows.append((frame, 3, "car", 2, [width - 12, 20, width - 1, 26]))
    seen = np.arange(len(rows)) % 5 != 4
    box = np.array([row[4] for row in rows], np.float32)
    return Tracks(
        frame=np.array([row[0] for row in rows], np.int32),
        track_id=np.array([row[1] for row in rows], np.int32),
        class_id=np.array([row[3] for row in rows], np.int16),
        class_name=np.array([row[2] for row in rows], object),
        score=np.where(seen, np.float32(0.8), np.float32(0)),
        x1=box[:, 0],
        y1=box[:, 1],
        x2=box[:, 2],
        y2=box[:, 3],
        detection=np.where(seen, np.cumsum(seen) - 1, INTERPOLATED).astype(np.int32),
        frame_count=frames,
        width=width,
        height=height,
    )
