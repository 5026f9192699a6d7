"""Integer series as text for a script of the page: differences, zigzag, byte planes, zlib, base64.

Neighbouring values of boxes, keypoints and label maps are nearly equal, so their differences are small numbers; with
the bytes of equal weight side by side (planes), zlib brings them to a third or less. `packed_series.js` reads them.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

ZLIB_LEVEL = 9
MAX_BYTES = 4
BITS_PER_BYTE = 8


def pack_series(values: NDArray[Any], by_row: bool = False) -> Mapping[str, Any]:
    """A JSON object with the (rows, columns) integers of `values`, exactly; one column where there is one dimension.

    Differences run down the columns. They are stored column after column, or row after row with `by_row`, which is
    shorter where neighbouring columns change together, as pixels of label maps do.
    """
    table = np.asarray(values).astype(np.int64).reshape(len(values), math.prod(values.shape[1:]))
    steps = np.diff(table, axis=0, prepend=np.zeros((1, table.shape[1]), np.int64)) if len(table) else table
    codes = np.where(steps < 0, -2 * steps - 1, 2 * steps)  # zigzag: small differences of either sign are small
    flat = np.ascontiguousarray(codes if by_row else codes.T).reshape(-1)
    width = _byte_width(int(flat.max(initial=0)))
    planes = np.stack([(flat >> (BITS_PER_BYTE * place)) & 0xFF for place in range(width)]).astype(np.uint8)
    return {
        "rows": len(table),
        "columns": table.shape[1] if len(table) else 0,
        "bytes": width,
        "byRow": by_row,
        "data": base64.b64encode(zlib.compress(planes.tobytes(), ZLIB_LEVEL)).decode("ascii"),
    }


def _byte_width(largest: int) -> int:
    width = max(1, -(-largest.bit_length() // BITS_PER_BYTE))
    if width > MAX_BYTES or largest >= 1 << 31:
        raise ValueError(f"differences must fit 31 bits, got one of {largest}; store coarser values")
    return width
