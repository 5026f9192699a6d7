"""Weights that are text files: the catalogue, the cache and the exports are the real ones, only the exporter is not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tasks.weights import catalog
from tasks.weights.catalog import WeightAsset
from tasks.weights.package_archives import PackageArchive
from tasks.yolo import onnx_export

VERSION = "first weights"


def asset(text: str) -> WeightAsset:
    """A file of that text, as an entry of the catalogue."""
    nobody = PackageArchive("toy-weights", "1", "toy.whl", "0" * 64)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return WeightAsset("toy", "look", "MIT", "these tests", None, nobody, "toy.pt", sha256)


def exported(name: str) -> Path:
    """The verified export of weights."""
    onnx_export.export_onnx = _export
    return onnx_export.onnx_path(name)


def _export(weights: Path, target: Path, made_of: dict[str, Any] | None = None) -> None:
    """What tasks.yolo.onnx_export.export_onnx does, in a line of text."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = f"the export of {weights.read_text(encoding='utf-8')}".encode()
    manifest = {"made_of": made_of or {}, "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    onnx_export.manifest_path(target).write_text(json.dumps(manifest), encoding="utf-8")
    target.write_bytes(text)


catalog.WEIGHTS = {**catalog.WEIGHTS, "toy": asset(VERSION)}
