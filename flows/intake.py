"""Own videos: files named on the command line are copied into data/raw, whole or not at all."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Sequence
from pathlib import Path

from flows.engine.files import PARTIAL, move, partial, remove
from flows.engine.project import list_videos
from tasks.artifacts.raw_video import RawVideo
from tasks.content import Hashes
from tasks.errors import SemflowError


def take_in(root: Path, patterns: Sequence[str]) -> list[str]:
    """Copy what `patterns` name (files, folders, globs) into data/raw and give the videos' names.

    A file that is there already stays; raises SemflowError where nothing matches, or where another file has the name.
    """
    raw = root / RawVideo.FOLDER
    raw.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for file in _files(patterns):
        if file.resolve().is_relative_to(raw.resolve()):
            names.append(file.resolve().relative_to(raw.resolve()).with_suffix("").as_posix())
            continue
        there = list_videos(raw).get(file.stem)
        if there is not None and (there.name != file.name or not _same(there, file)):
            raise SemflowError(
                f"video names must differ, got {file} beside another {there.name} in data/raw; rename one, "
                "or remove the one in data/raw if this replaces it"
            )
        if there is None:
            with partial(raw / file.name, raw) as beside:
                shutil.copy2(file, beside)
                move(beside, raw / file.name)
        names.append(file.stem)
    remove(raw / PARTIAL)
    return sorted(set(names))


def _files(patterns: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for pattern in patterns:
        place = Path(pattern).expanduser()
        matches = [place] if place.exists() else _glob(place)
        files = [
            file
            for match in matches
            for file in (sorted(match.iterdir()) if match.is_dir() else [match])
            if file.is_file() and not file.name.startswith(".")
        ]
        if not files:
            raise SemflowError(f"--videos must name at least one file, got {pattern!r}, which matches none")
        found += files
    return found


def _glob(pattern: Path) -> list[Path]:
    return [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207 (absolute patterns)


def _same(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    fresh = Hashes(Path("/nonexistent"))
    return fresh.of_file(one) == fresh.of_file(other)
