"""Velocity of points by central differences at irregular times."""

from __future__ import annotations

import numpy as np

from tasks.arrays import Floats


def compute_velocity(time_s: Floats, xy: Floats) -> Floats:
    """(t, ..., 2) pixels per second of points at (t,) uneven times: the slope from the frame before to the one after.

    Where only one neighbour is known, the slope to that one; NaN where none is known.
    """
    nothing = np.full_like(xy[:1], np.nan)
    before, after = np.concatenate([nothing, xy[:-1]]), np.concatenate([xy[1:], nothing])
    step = np.diff(time_s).reshape(-1, *[1] * (xy.ndim - 1))
    nobody = np.full_like(step[:1], np.nan) if len(step) else np.full((1, *[1] * (xy.ndim - 1)), np.nan)
    back, ahead = np.concatenate([nobody, step]), np.concatenate([step, nobody])
    slope_back, slope_ahead = (xy - before) / back, (after - xy) / ahead
    both = (slope_back * back + slope_ahead * ahead) / (back + ahead)
    return np.where(np.isnan(both), np.where(np.isnan(slope_back), slope_ahead, slope_back), both)


def compute_speed(velocity: Floats) -> Floats:
    """(...,) length of (..., 2) velocities."""
    return np.linalg.norm(velocity, axis=-1)
