"""Import of ultralytics without network access and without files outside the cache."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Generator
from functools import cache
from typing import Any

from tasks.weights.weight_cache import cache_dir
from tasks.yolo.torchvision_ops import make_torchvision_importable


@cache
def import_ultralytics() -> Any:
    """The module `ultralytics`; every use goes through here, as its settings are read once, at import."""
    settings = cache_dir() / "ultralytics"
    settings.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "YOLO_OFFLINE": "True",
        "YOLO_AUTOINSTALL": "False",
        "YOLO_CONFIG_DIR": str(settings),
        "YOLO_VERBOSE": "False",
        "ULTRALYTICS_SAFE_LOAD": "True",  # unpickle the classes of a model and nothing else
    }
    make_torchvision_importable()
    with _keep_opencv_threads():
        return importlib.import_module("ultralytics")


@contextlib.contextmanager
def _keep_opencv_threads() -> Generator[None]:
    """Ignore calls of cv2.setNumThreads.

    ultralytics sets OpenCV's threads to 0 at import, which divides by 0 (SIGFPE) in any thread in which OpenCV is
    computing at that moment, and would slow down everything after.
    """
    import cv2

    opencv: Any = cv2
    set_threads = opencv.setNumThreads
    opencv.setNumThreads = lambda _: None
    try:
        yield
    finally:
        opencv.setNumThreads = set_threads
