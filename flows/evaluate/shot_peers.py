"""Detectors of PySceneDetect on the same films, in the same run: `semflow eval shots --peers`.

PySceneDetect (Brandon Castellano, BSD-3-Clause) is no dependency: `pip install 'scenedetect[opencv-headless]'`, in an
environment of its own. Each detector has its authors' defaults and is given the frames one by one. It tells where a
shot begins, not how, so that kinds are not scored; a shot shorter than 15 frames is none by its defaults.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import cv2

from tasks.arrays import Image
from tasks.artifacts.shots import Transition
from tasks.errors import BadInput

PACKAGE = "scenedetect"
DETECTORS = ("ContentDetector", "AdaptiveDetector", "ThresholdDetector", "HashDetector")
BoundaryDetector = Callable[[Sequence[Image], float], list[Transition]]
"""(h, w, 3) RGB frames and their rate to the boundaries that a peer finds."""


def find_shot_peers() -> dict[str, BoundaryDetector]:
    """Name and version to a detector of PySceneDetect; BadInput where it is not installed."""
    try:
        package = importlib.import_module(PACKAGE)
    except ImportError as error:
        raise BadInput(
            f"--peers must have the package {PACKAGE} installed, got none ({error}); pip install "
            f"'{PACKAGE}[opencv-headless]', in an environment of its own"
        ) from None
    return {f"{name} {package.__version__}": _make_detector(package, name) for name in DETECTORS}


def _make_detector(package: Any, name: str) -> BoundaryDetector:
    def detect(images: Sequence[Image], fps: float) -> list[Transition]:
        detector = getattr(package, name)()
        found: list[Any] = []
        for number, image in enumerate(images):
            found += detector.process_frame(package.FrameTimecode(number, fps), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        found += detector.post_process(package.FrameTimecode(len(images) - 1, fps))
        frames = sorted({int(one.frame_num) for one in found})
        return [Transition("cut", frame, frame - 1, frame, 1.0) for frame in frames if frame > 0]

    return detect
