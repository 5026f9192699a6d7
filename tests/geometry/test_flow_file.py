from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.errors import BadInput
from tasks.geometry.flow_file import read_flo


@pytest.fixture
def flow() -> np.ndarray:
    flow = np.random.default_rng(0).normal(0, 5, (3, 7, 2)).astype(np.float32)
    flow[0, 0] = 1.6e9
    return flow


def test_what_opencv_wrote_is_read(tmp_path: Path, flow):
    cv2.writeOpticalFlow(str(tmp_path / "a.flo"), flow)
    np.testing.assert_array_equal(read_flo(tmp_path / "a.flo"), flow)


@pytest.mark.parametrize(
    "data",
    [b"", b"PIEH", b"RIFF" + bytes(20), b"PIEH" + struct.pack("<ii", 2, 2) + bytes(31), b"PIEH" + bytes(8)],
    ids=["empty", "short", "another tag", "cut off", "no size"],
)
def test_what_is_no_flow_is_an_error_that_names_the_file(tmp_path: Path, data):
    (tmp_path / "odd.flo").write_bytes(data)
    with pytest.raises(BadInput, match=r"odd\.flo must"):
        read_flo(tmp_path / "odd.flo")
