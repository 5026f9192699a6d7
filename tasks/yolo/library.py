"""ultralytics, imported so that no connection leaves the machine and nothing is written outside the cache."""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import Any

from tasks.weights.cache import cache_dir
from tasks.yolo.torchvision_ops import make_torchvision_importable


@cache
def ultralytics() -> Any:
    """The library; its settings are read once, at import, so every use goes through here."""
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
    return importlib.import_module("ultralytics")
