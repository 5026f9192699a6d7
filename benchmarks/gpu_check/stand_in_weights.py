"""Random numbers in place of weights that did not fit into the folder: the same file format, the same shapes.

A network takes the same time whatever its weights are; what it predicts with these means nothing, but CPU and CUDA must
still agree on it. The catalogue gets the hash of the stand-in, so that the file is verified like any other.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu_check.bundle import STAND_INS
from tasks.weights import catalog
from tasks.weights.fetch import cached_path
from tasks.weights.weight_cache import cache_dir

STAND_IN_WEIGHTS = frozenset({"i3d-kinetics-400"})
"""Weights that are a tree of arrays."""
MIN_KERNEL_AXES = 2
PICKLE_PROTOCOL = 4


def describe_shapes(tree: Any) -> Any:
    """The tree with the shape of each array in its place."""
    if isinstance(tree, Mapping):
        return {name: describe_shapes(branch) for name, branch in tree.items()}
    return list(np.shape(tree))


def make_random_tree(shapes: Any, random: np.random.Generator, name: str = "") -> Any:
    """A tree of arrays of `shapes` by which a network keeps the scale of its input (He et al., ICCV 2015).

    Kernels, whose last axis is the output, are normal with variance 2 / inputs; variances are 1; all else is 0.
    """
    if isinstance(shapes, Mapping):
        return {key: make_random_tree(branch, random, key) for key, branch in shapes.items()}
    if name == "var":
        return np.ones(shapes, np.float32)
    if len(shapes) < MIN_KERNEL_AXES or name != "kernel":
        return np.zeros(shapes, np.float32)
    values: NDArray[np.float64] = random.standard_normal(shapes) * np.sqrt(2 / np.prod(shapes[:-1]))
    return values.astype(np.float32)


def use_stand_ins() -> tuple[str, ...]:
    """Enter the stand-ins that the cache lists into the catalogue, each written at its first use; gives their names."""
    listed = cache_dir() / STAND_INS
    if not listed.is_file():
        return ()
    shapes: dict[str, Any] = json.loads(listed.read_text(encoding="utf-8"))
    for name, tree in shapes.items():
        asset = replace(catalog.find_weights(name), sha256=_make_once(name, tree))
        catalog.WEIGHTS = MappingProxyType({**catalog.WEIGHTS, name: asset})
    return tuple(shapes)


def _make_once(name: str, shapes: Any) -> str:
    """SHA-256 of the stand-in for the weights `name`, which is written into the cache unless it is there."""
    note = cache_dir() / f"{name}.stand-in"
    if note.is_file():
        return note.read_text(encoding="ascii")
    data = pickle.dumps(make_random_tree(shapes, np.random.default_rng(0)), protocol=PICKLE_PROTOCOL)
    asset = replace(catalog.find_weights(name), sha256=hashlib.sha256(data).hexdigest())
    _write_whole(cached_path(asset), data)
    _write_whole(note, asset.sha256.encode())
    return asset.sha256


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    beside.write_bytes(data)
    beside.replace(path)
