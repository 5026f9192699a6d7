"""Find the files that `--videos` names: paths, glob patterns, and folders with all files below them.

Sidecar files are skipped with a warning. A path that exists is used literally, even with brackets; otherwise it is a
pattern. Where two different files would have the same path in data/raw, all keep their path below their common folder.
"""

from __future__ import annotations

import glob
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.engine.non_video_files import explain_non_video_file, explain_non_video_folder
from flows.engine.raw_files import SkippedFile, walk_video_files
from flows.engine.video_names import normalize_path
from tasks.errors import SemflowError

SHOWN = 3
"""Most files listed in one message."""
log = logging.getLogger("semflow")


@dataclass(frozen=True)
class VideoSource:
    """A file to import."""

    path: Path
    """Absolute path, without resolving links."""
    relative: str
    """Its path below data/raw."""


def find_video_files(raw: Path, patterns: Sequence[str]) -> list[VideoSource]:
    """Every file that `patterns` name, without duplicates, to be imported into the folder `raw`.

    Raises SemflowError where a pattern matches nothing, or nothing that may be a video.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        base, matches = _matches(Path(os.path.abspath(os.path.expanduser(pattern))), pattern)  # noqa: PTH100, PTH111 (`..` goes)
        files, left_out = _files(raw, matches)
        shown = [f"{note.relative} ({note.reason})" for note in left_out]
        if not files:
            raise SemflowError(
                f"--videos must name at least one video, got {pattern!r}, which names {_shown(shown) or 'no file'}"
            )
        if shown:
            log.warning("skipped, not videos: %s", _shown(shown))
        found |= {file: base for file in files if file not in found}
    return _placed(found)


def _matches(place: Path, pattern: str) -> tuple[Path, list[Path]]:
    """The folder that paths in data/raw are relative to, and the paths that the pattern matches."""
    # os.path, since pathlib raises for a name that is too long
    if os.path.exists(place):  # noqa: PTH110
        return (place if place.is_dir() else place.parent), [place]
    if os.path.lexists(place):
        raise SemflowError(
            f"--videos must name files, got {pattern!r}, a link to {place.readlink()}, which is not there"
        )
    existing = next(parent for parent in place.parents if os.path.isdir(parent))  # noqa: PTH112
    below = str(place.relative_to(existing))
    for wild in (below, below.replace("[", "[[]")):  # brackets of a name: `take [1]*.mp4`
        names = glob.glob(os.path.join(glob.escape(str(existing)), wild), recursive=True)  # noqa: PTH118, PTH207
        if names:
            return existing, [Path(name) for name in sorted(names)]
    raise SemflowError(f"--videos must name at least one file, got {pattern!r}, which matches none")


def _files(raw: Path, matches: Sequence[Path]) -> tuple[list[Path], list[SkippedFile]]:
    """The files that may be videos among `matches` and below them, and the skipped files."""
    files: dict[Path, None] = {}
    left_out: list[SkippedFile] = []
    for match in matches:
        if match.is_dir():
            if raw.resolve() != match.resolve() and raw.resolve().is_relative_to(match.resolve()):
                raise SemflowError(
                    f"--videos must not name a folder that data/raw lies in, got {match}; name one below"
                )
            listing = walk_video_files(match)
            files |= dict.fromkeys(file.path for file in listing.files)
            left_out += [
                SkippedFile(str(match / n.relative), n.reason) for n in (*listing.unreadable, *listing.skipped)
            ]
        elif (reason := _why_not(match)) is not None:
            left_out.append(SkippedFile(str(match), reason))
        else:
            files[match] = None
    return list(files), left_out


def _why_not(file: Path) -> str | None:
    if file.name.startswith("."):
        return "hidden: its name begins with a dot"
    if not file.exists():
        return "a link to nothing"
    if not stat.S_ISREG(file.stat().st_mode):
        return "no file, but a device or pipe"
    if not os.access(file, os.R_OK):
        return "no permission to read it"
    return explain_non_video_file(file.name)


def _placed(found: dict[Path, Path]) -> list[VideoSource]:
    """Each file with its path in data/raw: relative to the folder of its pattern, or to the common folder of all."""
    sources = [VideoSource(file, file.relative_to(base).as_posix()) for file, base in found.items()]
    if any(_clashes(sources)):
        common = Path(os.path.commonpath([str(base) for base in found.values()]))
        sources = [VideoSource(file, file.relative_to(common).as_posix()) for file in found]
    for source in sources:
        if any(
            folder.startswith(".") or explain_non_video_folder(folder) for folder in source.relative.split("/")[:-1]
        ):
            raise SemflowError(
                f"{source.path} must lie in folders that data/raw may have, got {source.relative!r}, where it would be "
                "hidden; name the file by itself"
            )
    for one, other in _clashes(sources):
        raise SemflowError(
            f"video names must differ, got {one.path} and {other.path}, which are the same letters in two Unicode "
            "forms; rename one"
        )
    return sources


def _clashes(sources: Sequence[VideoSource]) -> Iterator[tuple[VideoSource, VideoSource]]:
    """Pairs of different files with the same path in data/raw."""
    places: dict[str, VideoSource] = {}
    for source in sources:
        other = places.setdefault(normalize_path(source.relative), source)
        if other is not source and not other.path.samefile(source.path):
            yield other, source


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
