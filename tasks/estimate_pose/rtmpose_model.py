"""RTMPose ready to run: keypoint distributions of crops around people, by onnxruntime.

RTMPose-s (Jiang et al., 2023, "RTMPose: real-time multi-person pose estimation based on MMPose"), 26 keypoints of
Halpe, input 256 x 192, Apache-2.0. Preprocessing is that of its configuration: RGB, normalised by ImageNet's mean and
standard deviation. It always runs on the CPU, where its results depend neither on threads nor on the number of crops at
once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.estimate_pose.simcc_decoding import Distributions, average_mirrored
from tasks.onnx_session import open_onnx_session
from tasks.runtime import load_once
from tasks.weights.fetch import weights_path

INPUT_HEIGHT = 256  # of a crop, pixels; its width is 192
MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # of RGB, `data_preprocessor` of the model's configuration
STD = np.array([58.395, 57.12, 57.375], np.float32)


@dataclass(frozen=True)
class RtmPose:
    """A loaded model."""

    forward: Callable[[NDArray[np.uint8]], Distributions]
    """(n, 256, 192, 3) RGB crops to (n, 26, 384) and (n, 26, 512) distributions of x and y, two bins per pixel."""

    def predict(self, crops: NDArray[np.uint8], flip: bool) -> Distributions:
        """Distributions of (n, 256, 192, 3) crops; with `flip` averaged with those of the mirrored crops."""
        straight = self.forward(crops)
        return average_mirrored(straight, self.forward(crops[:, :, ::-1])) if flip else straight


@load_once
def load_rtmpose(weights: str = "rtmpose-s") -> RtmPose:
    """The model `weights`, loaded once per process."""
    return open_rtmpose(weights_path(weights))


def open_rtmpose(path: Path, threads: int | None = None) -> RtmPose:
    """The ONNX file of a model in onnxruntime; results do not depend on `threads` (default: count_threads)."""
    session = open_onnx_session(path, threads)

    def forward(crops: NDArray[np.uint8]) -> Distributions:
        tensor = np.ascontiguousarray(((crops - MEAN) / STD).transpose(0, 3, 1, 2))
        x, y = session.run(["simcc_x", "simcc_y"], {"input": tensor})
        return x, y

    return RtmPose(forward)
