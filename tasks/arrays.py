"""Names for common arrays: what the numbers are; the shape stands where the array does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats16 = NDArray[np.float16]
Floats32 = NDArray[np.float32]
AnyFloats = NDArray[np.floating[Any]]
Indices = NDArray[np.intp]
Image = NDArray[np.uint8]
"""(h, w, 3) RGB."""
GrayImage = NDArray[np.uint8]
"""(h, w) brightness."""
Mask = NDArray[np.bool_]
"""(h, w) which pixels belong to it."""
LabelMap = NDArray[np.uint8]
"""(h, w) the class of each pixel."""
ClassProbabilities = NDArray[np.float32]
"""(..., classes) that sum to 1, or to 0 where nothing is known."""
FlowField = NDArray[np.float32]
"""(h, w, 2) displacement in pixels, x then y."""
Matrix = NDArray[np.float64]
"""(3, 3) of homogeneous coordinates, or (2, 3) affine."""
Points = NDArray[np.float64]
"""(n, 2) pixels, x then y; (n, 3) in space."""
Points32 = NDArray[np.float32]
"""(..., 2) pixels, x then y."""
Boxes = NDArray[np.float64]
"""(n, 4) pixels, x0 y0 x1 y1."""
Vectors = NDArray[np.float32]
"""(n, d) features."""
Probabilities = NDArray[Any]
"""(n, classes) that sum to 1."""
