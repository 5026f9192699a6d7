"""Observation-centric momentum: how well a detection keeps a track's direction of motion.

Source: Cao et al., "Observation-Centric SORT" (CVPR 2023), section 4.2: the direction between two observations some
frames apart is less noisy than the velocity of a Kalman filter.
"""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats, Points

DELTA_T = 3  # frames between the two observations; OC-SORT, delta_t


def append_observation(frame: int, centre: Points, recent: Floats | None = None) -> Floats:
    """(n, DELTA_T + 1, 3) frame, x, y of the latest observations, newest first: `centre`, then those of `recent`.

    Entries without an observation have the frame -inf.
    """
    if recent is None:
        recent = np.full((len(centre), DELTA_T + 1, 3), [-np.inf, 0.0, 0.0])
    grown = np.empty_like(recent)
    grown[:, 0, 0], grown[:, 0, 1:], grown[:, 1:] = frame, centre, recent[:, :-1]
    return grown


def direction_consistency(recent: Floats, centre: Points) -> Floats:
    """(n, m) how well moving on to each of m centres keeps the direction: 1/2 straight on, -1/2 straight back.

    0 for a track without a direction yet.
    """
    newest = recent[:, 0]
    age = newest[:, None, 0] - recent[:, :, 0]
    oldest = np.where(age <= DELTA_T, age, -1).argmax(axis=1)
    before = recent[np.arange(len(recent)), oldest]
    past = newest[:, 1:] - before[:, 1:]
    ahead = centre[None] - newest[:, None, 1:]
    length = np.linalg.norm(ahead, axis=2) * np.linalg.norm(past, axis=1)[:, None]
    cosine = np.divide((ahead * past[:, None]).sum(axis=2), length, out=np.zeros_like(length), where=length > 0)
    return 0.5 - np.arccos(np.clip(cosine, -1, 1)) / np.pi
