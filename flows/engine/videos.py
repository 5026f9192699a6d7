"""The videos of a project (until the list of videos takes over)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import SemflowError


@dataclass(frozen=True)
class Video:
    """One video of the data set, here or not."""

    name: str
    stem: str
    """Where its artifacts lie below an artifact folder."""
    flat_stem: str
    """The same for artifacts that are folders, which must not nest."""
    file: Path | None
    """The raw file, or None where it is not here."""
    relative: str
    """The raw file's path below data/raw, as its owner named it."""
    md5: str | None = None
    """Its hash as recorded, where the file is not here."""


def list_files(folder: Path) -> dict[str, Video]:
    """Every file below `folder` by its relative name without the ending; hidden ones are left out."""
    found: dict[str, Video] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        name = relative.with_suffix("").as_posix()
        if name in found:
            raise SemflowError(
                f"video names must differ, got two in {path.parent} that would be called {name!r}; rename one of them"
            )
        found[name] = Video(name, name, name.replace("/", "__"), path, relative.as_posix())
    return dict(sorted(found.items()))


def merge(at_hand: Mapping[str, Video], listed: Mapping[str, tuple[str, str]]) -> dict[str, Video]:
    """Files at hand and those listed (name to relative path and MD5) together, by name."""
    found = dict(at_hand)
    for name, (relative, md5) in listed.items():
        found.setdefault(name, Video(name, name, name.replace("/", "__"), None, relative, md5))
    return dict(sorted(found.items()))
