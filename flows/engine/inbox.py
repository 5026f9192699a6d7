"""New films from an inbox: a bucket's prefix (`s3://bucket/incoming`) or another address that fsspec reads.

Each object is fetched into data/raw once, under its path below the prefix, and again where it was replaced. Objects
appear in a bucket when they are complete, so nothing has to settle. What was taken is remembered with its ETag in the
project's state: a film that was removed from the data set on purpose does not come back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.engine.atomic_files import make_partial_path
from flows.engine.copy_file import COPY_SUFFIX, remove_unfinished_copies
from flows.engine.non_video_files import explain_non_video_file
from flows.engine.project_lock import INTAKE_LOCK, hold_lock_file
from flows.engine.state import State
from flows.engine.video_names import normalize_path
from tasks.artifacts.raw_video import RawVideo
from tasks.errors import SemflowError

MEMO = "inbox "
RESERVE_BYTES = 1 << 30
"""Bytes that stay free on the disk of data/raw."""


@dataclass(frozen=True)
class InboxFile:
    """One object of the inbox."""

    relative: str
    """Path below the prefix, and below data/raw."""
    path: str
    """Its path in the file system of the inbox."""
    size: int
    mark: str
    """Changes when the object is replaced."""


@dataclass(frozen=True)
class Intake:
    """What a look into the inbox gave."""

    fetched: tuple[str, ...] = ()
    """Paths below data/raw."""
    refused: tuple[str, ...] = ()
    """Lines for the user: what was left in the inbox, and why."""


def fetch_inbox(root: Path, address: str) -> Intake:
    """Fetch what is new at `address` into the project at `root`.

    Raises SemflowError where the address is none, cannot be read, or the disk is too small; what was fetched stays.
    """
    system, base = _open(address)
    raw = root / RawVideo.FOLDER
    state = State.open(root)
    try:
        with hold_lock_file(root / INTAKE_LOCK) as alone:
            if not alone:
                return Intake(refused=(f"{address} waits: another process is copying into data/raw",))
            memo = f"{MEMO}{address}"
            taken: dict[str, str] = state.read_memo(memo) or {}
            files, refused = _list_new(system, base, taken)
            fetched: list[str] = []
            for file in files:
                trouble = _explain_conflict(raw, file, taken)
                if trouble:
                    refused.append(trouble)
                    continue
                _fetch(system, file, raw)
                fetched.append(file.relative)
                taken[file.relative] = file.mark
                state.save_memo(memo, taken)  # at once: a run that is killed goes on here
            return Intake(tuple(fetched), tuple(refused))
    except SemflowError:
        raise
    except Exception as error:  # drivers of fsspec raise what their libraries raise
        raise SemflowError(f"the inbox {address} must be readable, got {type(error).__name__}: {error}") from None
    finally:
        state.close()


def _open(address: str) -> tuple[Any, str]:
    import fsspec

    protocol, separator, _ = address.partition("://")
    if not separator or protocol == "file":
        raise SemflowError(
            f"an inbox must be an address like s3://bucket/incoming, got {address!r}; films of a folder belong into "
            "data/raw, or into videos.yaml"
        )
    try:
        system, base = fsspec.core.url_to_fs(address)
    except ImportError:
        raise SemflowError(
            f"{address} needs the driver of {protocol}, which is not installed: pip install 'semflow[s3]'"
        ) from None
    except ValueError as error:
        raise SemflowError(f"an inbox must be an address that fsspec reads, got {address!r}: {error}") from None
    return system, base.rstrip("/")


def _list_new(system: Any, base: str, taken: Mapping[str, str]) -> tuple[list[InboxFile], list[str]]:
    """The films that were not taken as they are now, by name; and lines on names that cannot be taken."""
    system.invalidate_cache()
    found: list[InboxFile] = []
    refused: list[str] = []
    listed: Mapping[str, Mapping[str, Any]] = system.find(base, detail=True)
    for path, facts in sorted(listed.items()):
        relative = path.removeprefix(base).lstrip("/")
        name = relative.rpartition("/")[2]
        if not name or name.startswith(".") or explain_non_video_file(name) is not None:
            continue
        parts = relative.split("/")
        if any(part in ("", ".", "..") or part.startswith(".") for part in parts) or "\0" in relative:
            refused.append(f"{path} must be named like a path below data/raw, got {relative!r}; rename it")
            continue
        size = int(facts.get("size") or 0)
        mark = f"{size} {facts.get('ETag') or facts.get('LastModified') or facts.get('created')}"
        if taken.get(relative) != mark:
            found.append(InboxFile(relative, path, size, mark))
    return found, refused


def _explain_conflict(raw: Path, file: InboxFile, taken: Iterable[str]) -> str:
    """Why an object cannot have its place in data/raw; "" where it can. What came from the inbox is replaced."""
    if file.relative in taken:
        return ""
    final = raw / file.relative
    if os.path.lexists(final):
        return f"{file.path} is left: data/raw has another {file.relative}, which is not from there; rename one"
    folder = next(parent for parent in final.parents if os.path.lexists(parent))
    if not folder.is_dir():
        return f"{file.path} is left: {folder} is a file; rename one of them"
    twins = [other.name for other in folder.iterdir() if normalize_path(other.name) == normalize_path(final.name)]
    return f"{file.path} is left: data/raw has {twins[0]}, the same name otherwise spelt" if twins else ""


def _fetch(system: Any, file: InboxFile, raw: Path) -> None:
    final = raw / file.relative
    final.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(final.parent).free
    if file.size + RESERVE_BYTES > free:
        raise SemflowError(
            f"{final.parent} must have room for {file.path} ({file.size / 1e9:.1f} GB), got {free / 1e9:.1f} GB; make "
            "room, or move data/raw to another disk"
        )
    try:
        with make_partial_path(Path(COPY_SUFFIX), final.parent) as beside:
            system.get_file(file.path, str(beside))
            came = beside.stat().st_size
            if came != file.size:
                raise SemflowError(f"{file.path} must have {file.size} bytes as listed, got {came}; run again")
            beside.replace(final)
    finally:
        remove_unfinished_copies(final.parent)
