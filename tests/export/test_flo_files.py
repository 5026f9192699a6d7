"""Middlebury's `.flo`, read back by OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.flo_files import export_flo
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair


def test_opencv_reads_the_displacements_that_were_stored(source: ExportSource, tmp_path: Path) -> None:
    encoding = FlowEncoding(32, 48, 1, 32)
    rng = np.random.default_rng(0)
    forward, backward = rng.integers(-64, 64, (2, 32, 48, 2)).astype(np.float32) / 32
    valid = rng.random((32, 48)) > 0.3
    pair = FlowPair(forward, backward, valid, valid, 1.0, False, np.eye(3), 1.0)
    path = source.path(DenseFlow)
    path.parent.mkdir(exist_ok=True)
    pairs = [pair, FlowPair.empty(encoding, 1.0, cut=True), pair]
    stored = DenseFlow.stream(pairs, FlowMetadata(4, "dis", encoding)).to(path)
    export_flo([source], tmp_path, ExportOptions())
    folder = tmp_path / source.file_stem
    assert sorted(found.name for found in folder.glob("*.flo")) == ["000000.flo", "000002.flo"], "the cut has no flow"
    assert np.array_equal(cv2.readOpticalFlow(str(folder / "000002.flo")), stored.forward(2))
    mask: Any = cv2.imread(str(folder / "000002_valid.png"), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(mask > 0, stored.valid(2))
