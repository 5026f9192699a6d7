"""Middlebury's `.flo` files: the tag "PIEH" (202021.25 as a float), width, height, then x and y per pixel, row by row.

Format: Baker et al., vision.middlebury.edu/flow, README of flow-code; all numbers little-endian, 32 bits.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.arrays import FlowField
from tasks.errors import BadInput

TAG = b"PIEH"
HEADER = len(TAG) + 2 * 4


def read_flo(path: Path) -> FlowField:
    """(h, w, 2) displacement in pixels as it stands in the file, unknown ones among them; BadInput where it is none."""
    data = path.read_bytes()
    if len(data) < HEADER or data[: len(TAG)] != TAG:
        raise BadInput(f"{path} must begin with {TAG!r} and a size, got {data[:HEADER]!r}")
    width, height = (int(n) for n in np.frombuffer(data, "<i4", 2, len(TAG)))
    if width <= 0 or height <= 0 or len(data) != HEADER + width * height * 8:
        raise BadInput(f"{path} must hold {width}x{height} vectors of 8 bytes, got {len(data) - HEADER} bytes")
    return np.frombuffer(data, "<f4", offset=HEADER).reshape(height, width, 2).astype(np.float32)


def write_flo(path: Path, flow: FlowField) -> None:
    """Write (h, w, 2) `flow` so that other tools can read it."""
    height, width = flow.shape[:2]
    path.write_bytes(TAG + np.array([width, height], "<i4").tobytes() + flow.astype("<f4").tobytes())
