"""Mirroring left and right, which in flow also turns dx around: what moved left now moves right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mirror_clips(clips: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(..., h, w, 3) pictures, mirrored."""
    return clips[..., ::-1, :]


def mirror_flow(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., h, w, 2) fields of the mirrored pictures."""
    return flow[..., ::-1, :] * np.array([-1, 1], np.float32)


def mirror_stacks(stacks: NDArray[Any]) -> NDArray[Any]:
    """(..., 20, h, w) stacks of the mirrored pictures: dx stands in the channels 0, 2, 4, ..."""
    mirrored = stacks[..., ::-1].copy()
    mirrored[..., 0::2, :, :] *= -1
    return mirrored
