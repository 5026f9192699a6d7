"""The folder gpu-check/: what it holds, and how it is unpacked on a machine without a network.

    manifest.json               names, sizes and hashes of the items, and what was left out
    packages.tar.xz             the folder of Python packages that the machine lacks
    weights/<file>.xz           weight files, unpacked into a cache of their own
    clips/<name>.mp4            sample clips

Standard library only: this runs before the packages of the check are there.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

MANIFEST = "manifest.json"
PACKAGES = "packages.tar.xz"
CACHE_VARIABLE = "SEMFLOW_CACHE"
STAND_INS = "stand_ins.json"
"""File in the cache that names the weights with random numbers in place of the published ones."""
ItemKind = Literal["packages", "weights", "clip"]


@dataclass(frozen=True)
class BundleItem:
    """One file of the folder."""

    name: str
    kind: ItemKind
    file: str
    """Path below the folder."""
    bytes: int
    sha256: str
    place: str = ""
    """Of weights: the path of the unpacked file below the cache."""


@dataclass(frozen=True)
class LeftOut:
    """What the folder does not hold, and why."""

    name: str
    reason: str
    bytes: int = 0


@dataclass(frozen=True)
class Manifest:
    """Content of the folder."""

    items: Sequence[BundleItem]
    left_out: Sequence[LeftOut] = ()
    shapes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Weights that were left out, by name, to the tree of array shapes from which a stand-in is made."""
    python: str = ""
    """Version of Python that the packages are for, as in 3.12."""

    def write(self, folder: Path) -> None:
        """Write the manifest into the folder."""
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of the folder."""
        fields: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        items = [BundleItem(**item) for item in fields.pop("items")]
        left_out = [LeftOut(**entry) for entry in fields.pop("left_out")]
        return cls(items, left_out, **fields)


@dataclass(frozen=True)
class Installed:
    """Where the content of the folder lies after unpacking."""

    packages: Path | None
    """None where the packages are installed in the ordinary way."""
    cache: Path | None
    clips: Path | None

    def make_environment(self, checkout: Path) -> dict[str, str]:
        """The environment of processes that use it: this process's with two search paths."""
        paths = [str(path) for path in (self.packages, checkout) if path is not None]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
        if self.cache is None:
            return environment
        settings = {
            "YOLO_OFFLINE": "True",
            "YOLO_CONFIG_DIR": str(self.cache),
        }  # of ultralytics, else in the home folder
        return environment | settings | {CACHE_VARIABLE: str(self.cache)}


def install_bundle(folder: Path, target: Path) -> Installed:
    """Unpack the folder below `target` and verify every item; nothing is unpacked where there is no folder.

    Packages for another version of Python stay packed: then the installed ones are used. Raises ValueError for an item
    whose bytes are not those that were packed.
    """
    if not (folder / MANIFEST).is_file():
        return Installed(None, None, None)
    manifest = Manifest.read(folder)
    fits = manifest.python == f"{sys.version_info.major}.{sys.version_info.minor}"
    installed = Installed(target / "packages" if fits else None, target / "cache", folder / "clips")
    for item in manifest.items:
        source = folder / item.file
        with source.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if actual != item.sha256:
            raise ValueError(f"{source} must have sha256 {item.sha256}, got {actual}; copy the folder again")
        if item.kind == "packages" and installed.packages is not None:
            with tarfile.open(source, "r:xz") as archive:
                archive.extractall(installed.packages, filter="data")
        elif item.kind == "weights":
            place = target / "cache" / item.place
            place.parent.mkdir(parents=True, exist_ok=True)
            with lzma.open(source) as packed, place.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
    if manifest.shapes:
        (target / "cache").mkdir(parents=True, exist_ok=True)
        (target / "cache" / STAND_INS).write_text(json.dumps(manifest.shapes), encoding="utf-8")
    return installed


def describe_items(manifest: Manifest) -> str:
    """Lines with the size of each item, their sum, and what was left out with the reason."""
    lines = [f"{item.bytes / 1e6:8.2f} MB  {item.name}" for item in manifest.items]
    lines.append(f"{sum(item.bytes for item in manifest.items) / 1e6:8.2f} MB  together")
    for entry in manifest.left_out:
        size = f" ({entry.bytes / 1e6:.1f} MB)" if entry.bytes else ""
        lines.append(f"left out: {entry.name}{size}: {entry.reason}")
    return "\n".join(lines)
