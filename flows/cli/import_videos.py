"""Import videos: copy the files named on the command line atomically into data/raw.

A folder keeps its structure: `films/cam1/0001.mp4` of `--videos films` becomes `data/raw/cam1/0001.mp4`, as does that
of `--videos 'films/*/0001.mp4'`. Names, permissions and disk space are checked before the first byte is copied.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.cli.find_videos import VideoSource, find_video_files
from flows.engine.copy_file import copy_atomically, have_same_bytes, remove_unfinished_copies
from flows.engine.film_addresses import MAX_ANSWER_AGE_S
from flows.engine.project_lock import INTAKE_LOCK, hold_lock_file
from flows.engine.raw_files import RawFile, list_raw_files
from flows.engine.video_names import assign_video_names, normalize_path
from tasks.artifacts.raw_video import RawVideo
from tasks.errors import SemflowError


@dataclass(frozen=True)
class FileCopy:
    """A file to copy."""

    source: Path
    relative: str
    """Path below data/raw."""
    size: int


def import_videos(root: Path, patterns: Sequence[str]) -> list[str]:
    """Copy the files that `patterns` name into data/raw as `copy_videos` does; gives the names of the videos."""
    relatives = copy_videos(root, patterns)
    names = assign_video_names(file.relative for file in list_raw_files(root, MAX_ANSWER_AGE_S).files)
    return sorted({names[relative] for relative in relatives})


def copy_videos(root: Path, patterns: Sequence[str]) -> list[str]:
    """Copy the files that `patterns` name (files, folders, globs) into data/raw; gives their paths below it, sorted.

    A file that is in data/raw or videos.yaml already is not copied. Raises SemflowError, before anything is copied,
    where a pattern matches no video, where another file has the name, and where the disk is too small.
    """
    raw = root / RawVideo.FOLDER
    try:
        with hold_lock_file(root / INTAKE_LOCK) as alone:
            if not alone:
                raise SemflowError(
                    f"{raw} must be written by one process at a time, and another `semflow run --videos` is copying "
                    "into it; wait until that is done"
                )
            raw.mkdir(parents=True, exist_ok=True)
            inside, copies = _plan(raw, list_raw_files(root).files, find_video_files(raw, patterns))
            _check_space(raw, copies)
            _copy_all(raw, copies)
    except OSError as error:
        raise SemflowError(f"{error.filename or raw} must be readable and writable, got: {error.strerror}") from None
    return sorted({*inside, *(copy.relative for copy in copies)})


def _copy_all(raw: Path, copies: Sequence[FileCopy]) -> None:
    existed = {copy: _existing(raw / copy.relative) for copy in copies}
    try:
        for copy in copies:
            _copy(raw, copy)
    finally:
        remove_unfinished_copies(raw)
        for copy, there in existed.items():
            folder = (raw / copy.relative).parent
            remove_unfinished_copies(folder)
            with contextlib.suppress(OSError):  # not empty
                while folder != there:
                    folder.rmdir()
                    folder = folder.parent


def _plan(raw: Path, there: Sequence[RawFile], sources: Iterable[VideoSource]) -> tuple[list[str], list[FileCopy]]:
    """The paths below data/raw that exist already, and the files to copy."""
    known = {normalize_path(file.relative): file for file in there}
    inodes: defaultdict[int, list[RawFile]] = defaultdict(list)
    for file in there:
        inodes[file.inode].append(file)
    inside: list[str] = []
    copies: dict[str, FileCopy] = {}
    for source in sources:
        at = source.path.stat()
        same = inodes[at.st_ino] if at.st_ino else []  # 0 where the file system has none
        own = next((file for file in same if file.path.samefile(source.path)), None)
        other = known.get(normalize_path(source.relative))
        if own is not None:
            inside.append(own.relative)
        elif other is not None:
            if not have_same_bytes(other.path, source.path):
                raise SemflowError(
                    f"video names must differ, got {source.path} beside another {other.relative} in data/raw; rename "
                    "one, or remove the one in data/raw if this replaces it"
                )
            inside.append(other.relative)
        else:
            copies[source.relative] = FileCopy(source.path, source.relative, at.st_size)
    for copy in copies.values():
        _check_place(raw, copy)
    return inside, list(copies.values())


def _check_place(raw: Path, copy: FileCopy) -> None:
    """Raise SemflowError where the target path exists or its folder cannot be written."""
    final = raw / copy.relative
    if os.path.lexists(final):
        raise SemflowError(f"{copy.source} must have a free place in data/raw, got {final} there; remove or rename it")
    folder = _existing(final)
    if not folder.is_dir():
        raise SemflowError(f"{copy.source} must have a folder in data/raw, got the file {folder}; rename one of them")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SemflowError(f"{folder} must be writable, got no permission; videos are copied there")


def _existing(path: Path) -> Path:
    """The nearest existing parent of `path`."""
    return next(parent for parent in path.parents if os.path.lexists(parent))


def _check_space(raw: Path, copies: Sequence[FileCopy]) -> None:
    """Raise SemflowError where a target disk has too little free space."""
    needed: defaultdict[int, int] = defaultdict(int)
    folders: dict[int, Path] = {}
    for copy in copies:
        folder = _existing(raw / copy.relative)
        device = folder.stat().st_dev
        needed[device] += copy.size
        folders[device] = folder
    for device, size in needed.items():
        free = shutil.disk_usage(folders[device]).free
        if size > free:
            raise SemflowError(
                f"the disk of {folders[device]} must have {_format_bytes(size)} free for these videos, got "
                f"{_format_bytes(free)}; nothing was copied. Make room, or leave the files where they are and name "
                "them in videos.yaml"
            )


def _copy(raw: Path, copy: FileCopy) -> None:
    try:
        copy_atomically(copy.source, raw / copy.relative, copy.size)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(raw).free
            raise SemflowError(
                f"the disk of {raw} is full: {copy.source} has {_format_bytes(copy.size)}, and {_format_bytes(free)} "
                "are free; nothing of it was left there. Make room and run this again: files copied before are kept"
            ) from None
        raise SemflowError(
            f"{copy.source} could not be copied to {raw / copy.relative}: {error.strerror or error}; nothing of it was "
            "left there. Fix that and run this again"
        ) from None


def _format_bytes(size: int) -> str:
    """A size with its unit, e.g. "1.5 GB"."""
    units: Mapping[str, int] = {"GB": 10**9, "MB": 10**6, "kB": 10**3}
    return next((f"{size / unit:.1f} {name}" for name, unit in units.items() if size >= unit), f"{size} bytes")
