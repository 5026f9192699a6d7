"""Export of YOLO models to ONNX: each is exported once, cached, and verified before use.

On a CPU onnxruntime is about four times as fast as torch, and gives the same numbers for any number of threads and any
batch size, which torch does not. The graph is not simplified: that step orders nodes differently every time and gains
no speed, while without it two exports are the same but for their date.

    <cache>/onnx/<weights>-<key>.onnx          the model; the key is the hash of the export's inputs
    <cache>/onnx/<weights>-<key>.onnx.json     its manifest: the inputs, its size and sha256
    <cache>/onnx/<weights>-<key>.onnx.making/  an export in progress, protected by the lock of the model
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from tasks.weights.download import compute_sha256
from tasks.weights.user_weights import UserWeights, find_sha256, locate_weights
from tasks.weights.weight_cache import cache_dir, hold_lock
from tasks.yolo.ultralytics_import import import_ultralytics

# nms=False selects the one-to-one head (YOLO26), which needs no NMS; models without one give the boxes of all anchors.
SETTINGS = {"format": "onnx", "dynamic": True, "simplify": False, "nms": False, "opset": 18}
EXPORTERS = ("ultralytics", "torch", "onnx")
MAKING = ".making"
DAY_S = 86_400
ExportStatus = Literal["valid", "missing", "corrupt"]
log = logging.getLogger("semflow")


def onnx_path(weights: str | UserWeights) -> Path:
    """The verified ONNX file of `weights` for any batch, height and width; exported if it does not exist yet."""
    path = export_path(weights)
    if check_export(path) != "valid":
        with hold_lock(path):
            found = check_export(path)  # another process may have exported it in the meantime
            if found == "corrupt":
                log.warning("%s does not match its manifest: exported again", path)
            if found != "valid":
                clear_leftovers(path)
                export_onnx(locate_weights(weights), path, _export_inputs(weights))
    return path


def export_path(weights: str | UserWeights) -> Path:
    """Path of the ONNX file of `weights`, whether it exists or not."""
    key = hashlib.sha256(json.dumps(list(_export_inputs(weights).values()), sort_keys=True).encode()).hexdigest()[:16]
    name = weights if isinstance(weights, str) else weights.name
    return cache_dir() / "onnx" / f"{name}-{key}.onnx"


def check_export(path: Path) -> ExportStatus:
    """Whether an exported model exists and matches its manifest; its bytes are hashed once per version of the file."""
    if not path.is_file():
        return "missing"
    try:
        manifest: Any = json.loads(manifest_path(path).read_text(encoding="utf-8"))
        good = manifest["bytes"] == path.stat().st_size and manifest["sha256"] == compute_sha256(path)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        good = False
    return "valid" if good else "corrupt"


def manifest_path(path: Path) -> Path:
    """Path of the manifest of an exported model."""
    return path.with_name(f"{path.name}.json")


def export_onnx(weights: Path, target: Path, made_of: dict[str, Any] | None = None) -> None:
    """Export the verified file `weights` to `target` atomically; the caller holds its lock.

    The manifest is written first: a kill between the two leaves a model that does not match it and is exported again.
    """
    folder = target.with_name(f"{target.name}{MAKING}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's tracer warns of shapes that ultralytics handles
            copy = shutil.copy(weights, folder)  # the exporter writes next to its input
            made = Path(import_ultralytics().YOLO(copy).export(**SETTINGS))
        manifest = {"made_of": made_of or {}, "bytes": made.stat().st_size, "sha256": compute_sha256(made)}
        beside = folder / "manifest.json"
        beside.write_text(json.dumps(manifest, sort_keys=True, indent=1) + "\n", encoding="utf-8")
        beside.replace(manifest_path(target))
        made.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_leftovers(path: Path) -> None:
    """Remove the folders of killed exports next to `path`, whose lock the caller holds; running exports are kept."""
    for folder in path.parent.glob(f"*{MAKING}"):
        other = folder.with_name(folder.name.removesuffix(MAKING))
        if other != path:
            _clear_if_free(other, folder)
    for folder in path.parent.glob("tmp????????"):  # folders of earlier versions, without a lock
        with contextlib.suppress(OSError):
            if time.time() - max(part.stat().st_mtime for part in (folder, *folder.iterdir())) > DAY_S:
                shutil.rmtree(folder, ignore_errors=True)


def _clear_if_free(model: Path, folder: Path) -> None:
    lock = os.open(model.with_name(f"{model.name}.lock"), os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # an export in progress
    finally:
        os.close(lock)


def _export_inputs(weights: str | UserWeights) -> dict[str, Any]:
    """Everything that determines the bytes of an export, except their date."""
    return {
        "weights": find_sha256(weights),
        "settings": SETTINGS,
        "exporters": [metadata.version(name) for name in EXPORTERS],
    }
