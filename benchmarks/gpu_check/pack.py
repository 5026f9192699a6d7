"""Packs gpu-check/, the folder that a bare machine with a GPU needs: `python -m benchmarks.gpu_check.pack`.

Packages come first, then clips, then weights in the order of their use; what would exceed `--limit-mb` is left out and
named. In place of I3D's weights the check then uses random numbers of the same shapes (stand_in_weights.py).
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gpu_check.bundle import PACKAGES, BundleItem, ItemKind, LeftOut, Manifest, describe_items
from benchmarks.gpu_check.packages import (
    NOT_NEEDED,
    PYTHON,
    XZ_FILTERS,
    install_packages,
    list_requirements,
    prune_packages,
    read_present,
    resolve_closure,
    select_missing,
    write_archive,
)
from benchmarks.gpu_check.stand_in_weights import STAND_IN_WEIGHTS, describe_shapes
from flows.cli.sample_videos import SAMPLES, cut_clip
from tasks.streams.i3d_weights import read_arrays
from tasks.weights.fetch import fetch_asset, weights_path
from tasks.weights.weight_cache import cache_dir

FOLDER = Path("gpu-check")
LIMIT_MB = 60.0
"""Of the whole folder: with the repository itself it stays below 64 MiB."""
WEIGHTS = ("yolo26n", "mobilenet-v2", "yolo11n-pose", "yolo26n-seg", "raft-small", "raft-sintel", "i3d-kinetics-400")
"""Those of the default parameters and of RAFT, the most used first."""
CLIP = "market_street"
CLIP_S = 20.0
TEST_CLIP = "bikes"
"""Tests marked `gpu` read it."""


@dataclass
class Packer:
    """Adds items to the folder until its size would exceed the limit."""

    folder: Path
    limit_bytes: int
    items: list[BundleItem] = field(default_factory=list[BundleItem])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])

    def add_item(self, item: BundleItem) -> bool:
        """Keep the file of `item`, or remove and name it where it does not fit."""
        if sum(other.bytes for other in self.items) + item.bytes <= self.limit_bytes:
            self.items.append(item)
            return True
        (self.folder / item.file).unlink()
        self.left_out.append(LeftOut(item.name, f"more than {self.limit_bytes / 1e6:g} MB together", item.bytes))
        return False

    def describe_file(self, name: str, kind: ItemKind, file: str, place: str = "") -> BundleItem:
        """The item of a file that lies in the folder."""
        data = (self.folder / file).read_bytes()
        return BundleItem(name, kind, file, len(data), hashlib.sha256(data).hexdigest(), place)


def main(argv: Sequence[str]) -> int:
    """Pack the folder and print the size of each item."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check.pack", description=__doc__)
    parser.add_argument("--to", type=Path, default=FOLDER, help=f"folder to write ({FOLDER})")
    parser.add_argument("--limit-mb", type=float, default=LIMIT_MB, help=f"of all items together ({LIMIT_MB:g})")
    parser.add_argument("--uv", type=Path, default=Path(sys.executable).with_name("uv"), help="the program uv")
    options = parser.parse_args(argv)
    manifest = pack_bundle(options.to, int(options.limit_mb * 1e6), options.uv)
    print(f"{options.to}/ for Python {manifest.python}:\n{describe_items(manifest)}")  # noqa: T201
    return 0


def pack_bundle(folder: Path, limit_bytes: int, uv: Path) -> Manifest:
    """Write the folder anew; what is left out stands in the manifest."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packer = Packer(folder, limit_bytes)
    packer.add_item(_pack_packages(packer, uv))
    for name, seconds in ((CLIP, CLIP_S), (TEST_CLIP, None)):
        packer.add_item(_pack_clip(packer, name, seconds))
    missing = [name for name in WEIGHTS if not packer.add_item(_pack_cached_file(packer, name, weights_path(name)))]
    shapes = {name: describe_shapes(read_arrays(weights_path(name))) for name in missing if name in STAND_IN_WEIGHTS}
    packer.left_out += [LeftOut(name, reason) for name, reason in NOT_NEEDED.items()]
    manifest = Manifest(packer.items, packer.left_out, shapes, PYTHON)
    manifest.write(folder)
    return manifest


def _pack_packages(packer: Packer, uv: Path) -> BundleItem:
    pinned = select_missing(resolve_closure(list_requirements(Path("pyproject.toml")), uv), read_present())
    with tempfile.TemporaryDirectory() as name:
        install_packages(pinned, Path(name), uv)
        prune_packages(Path(name))
        write_archive(Path(name), packer.folder / PACKAGES)
    return packer.describe_file(f"packages: {', '.join(pinned)}", "packages", PACKAGES)


def _pack_clip(packer: Packer, name: str, seconds: float | None) -> BundleItem:
    """The clip cut to `seconds`; a whole one is put where the cache of weights has it."""
    if seconds is None:
        return _pack_cached_file(packer, name, _fetch_sample(name))
    file = f"clips/{name}.mp4"
    (packer.folder / file).parent.mkdir(exist_ok=True)
    cut_clip(_fetch_sample(name), packer.folder / file, seconds)
    return packer.describe_file(f"{name}, {seconds:g} s", "clip", file)


def write_clip(path: Path) -> None:
    """Write the clip that the check runs on, where there is no folder."""
    cut_clip(_fetch_sample(CLIP), path, CLIP_S)


def _fetch_sample(name: str) -> Path:
    return fetch_asset(next(sample for sample in SAMPLES if sample.name == name))


def _pack_cached_file(packer: Packer, name: str, source: Path) -> BundleItem:
    """A file of the cache, compressed; it is unpacked to the same place in the cache of the check."""
    file = f"weights/{source.name}.xz"
    (packer.folder / file).parent.mkdir(exist_ok=True)
    with source.open("rb") as plain, lzma.open(packer.folder / file, "wb", filters=list(XZ_FILTERS[1:])) as packed:
        shutil.copyfileobj(plain, packed)
    return packer.describe_file(name, "weights", file, str(source.relative_to(cache_dir())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
