"""Middlebury's `.flo`: `<video>/000012.flo`, the dense flow from frame 12 to 13, and `000012_valid.png` beside it.

Pixels and displacements are at working size. Pixels that are white in the mask have flow that agrees forwards and
backwards. Pairs without flow (a cut, a damaged frame) are left out. Format: vision.middlebury.edu/flow, written by
OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from tasks.artifacts.dense_flow import DenseFlow

WHITE = 255


def export_flo(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write the forward flow of every pair of frames of each video."""
    import cv2

    del options
    for source in sources:
        flow, place = source.load(DenseFlow), folder / source.file_stem
        place.mkdir()
        for pair in np.flatnonzero(flow.known).tolist():
            cv2.writeOpticalFlow(str(place / f"{pair:06d}.flo"), flow.forward(pair))
            cv2.imwrite(str(place / f"{pair:06d}_valid.png"), flow.valid(pair).astype(np.uint8) * WHITE)
