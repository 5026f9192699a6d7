"""A YOLO model as ONNX, made once and kept in the cache.

On a CPU onnxruntime is about four times as fast as torch, and gives the same numbers whatever the number of threads and
the size of the batch, which torch does not. The graph is not simplified: that step orders nodes differently every time
and gains no speed, while without it two exports are the same but for their date.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import warnings
from importlib import metadata
from pathlib import Path

from tasks.weights.cache import cache_dir, locked
from tasks.weights.catalog import weights_sha256
from tasks.weights.fetch import weights_path
from tasks.yolo.library import ultralytics

# nms=False asks for the one-to-one head (YOLO26), which needs no suppression; models without one give all their boxes.
SETTINGS = {"format": "onnx", "dynamic": True, "simplify": False, "nms": False, "opset": 18}
EXPORTERS = ("ultralytics", "torch", "onnx")


def onnx_path(weights: str) -> Path:
    """The ONNX file of `weights` for any batch, height and width; made if need be."""
    made_of = [weights_sha256(weights), SETTINGS, [metadata.version(name) for name in EXPORTERS]]
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    path = cache_dir() / "onnx" / f"{weights}-{key}.onnx"
    if not path.exists():
        with locked(path):
            if not path.exists():  # another process may have made it while we waited
                export(weights_path(weights), path)
    return path


def export(weights: Path, target: Path) -> None:
    """Export the verified file `weights` to `target`, which appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's tracer warns of shapes that ultralytics handles
        copy = shutil.copy(weights, folder)  # the exporter writes beside what it reads
        made = ultralytics().YOLO(copy).export(**SETTINGS)
        Path(made).replace(target)
