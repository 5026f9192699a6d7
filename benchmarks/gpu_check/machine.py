"""Facts about the machine and its device: `python -m benchmarks.gpu_check.machine` prints them as JSON."""

from __future__ import annotations

import importlib
import json
import os
import platform
from importlib import metadata
from typing import Any

MODULES = ("torch", "cv2", "pyarrow", "onnxruntime", "av", "ultralytics", "pydantic", "scipy", "pandas")
"""What stages import."""
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pandas", "pyarrow", "onnxruntime", "av", "ultralytics")


def describe_machine() -> dict[str, Any]:
    """The device, versions of packages, and modules that cannot be imported, with the reason."""
    missing: dict[str, str] = {}
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception as error:
            missing[name] = f"{type(error).__name__}: {error}"
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "processors": len(os.sched_getaffinity(0)),
        "missing": missing,
        "versions": {name: _find_version(name) for name in PACKAGES},
        "device": "",
        "device_name": "",
    }
    if "torch" not in missing:
        facts |= _describe_device()
    return facts


def _describe_device() -> dict[str, Any]:
    import torch

    if not torch.cuda.is_available():
        return {}
    properties = torch.cuda.get_device_properties(0)
    return {
        "device": "cuda:0",
        "device_name": properties.name,
        "device_gb": properties.total_memory / 1e9,
        "cuda": torch.version.cuda,
    }


def _find_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


if __name__ == "__main__":
    print(json.dumps(describe_machine()))  # noqa: T201
