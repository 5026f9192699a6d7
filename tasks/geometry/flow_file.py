"""Middlebury's `.flo` files: the tag "PIEH" (202021.25 as a float), width, height, then x and y per pixel, row by row.

Format: Baker et al., vision.middlebury.edu/flow, README of flow-code; all numbers little-endian, 32 bits. Why not
cv2.readOpticalFlow: it crashes on a negative size in the header and accepts bytes after the last row. Writing is
cv2.writeOpticalFlow's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tasks.arrays import FlowField
from tasks.errors import BadInput

TAG = b"PIEH"
HEADER_BYTES = len(TAG) + 2 * 4


def read_flo(path: Path) -> FlowField:
    """(h, w, 2) displacement in pixels, unknown values (1e9 and more) as stored; BadInput for any other file."""
    data = path.read_bytes()
    if len(data) < HEADER_BYTES or data[: len(TAG)] != TAG:
        raise BadInput(f"{path} must begin with {TAG!r} and a size, got {data[:HEADER_BYTES]!r}")
    width, height = (int(n) for n in np.frombuffer(data, "<i4", 2, len(TAG)))
    if width <= 0 or height <= 0 or len(data) != HEADER_BYTES + width * height * 8:
        raise BadInput(f"{path} must hold {width}x{height} vectors of 8 bytes, got {len(data) - HEADER_BYTES} bytes")
    return np.frombuffer(data, "<f4", offset=HEADER_BYTES).reshape(height, width, 2).astype(np.float32)
