"""Consistency along the flow: a point is in the next frame what it is in this one.

The consistency loss of the field in closed form: one Jacobi step of minimising, over all frames, the squared distance
of each frame's shares from its evidence plus that from its neighbours', along the flow and where it may be trusted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tasks.fit_field.clip import Clip, Soft
from tasks.fit_field.trail import step_trust
from tasks.geometry.warp import warp

NEIGHBOUR = 0.5  # say of each neighbouring frame, against 1 of the frame's own evidence


def agreed(clip: Clip, shares: Callable[[int], Soft | None], frame: int, own: Soft) -> Soft:
    """(h, w, c) shares `own` of `frame` after hearing its neighbours, whose `shares` are asked for."""
    votes, total = own.copy(), np.ones((*own.shape[:2], 1), np.float32)
    for other in (frame - 1, frame + 1):
        theirs = shares(other)
        motion = None if theirs is None else clip.step(other, frame)
        if theirs is None or motion is None:
            continue
        weight = (np.float32(NEIGHBOUR) * step_trust(motion, density=True))[..., None]
        votes += weight * warp(theirs, motion.backward).reshape(own.shape)
        total += weight
    return votes / total
