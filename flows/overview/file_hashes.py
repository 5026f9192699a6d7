"""SHA-256 of the files of the data set, which Croissant asks for beside the MD5 that DVC records.

Each file is read once: its hash is remembered in the project's state by its MD5. Where a file is not on this machine it
is that of the recorded card, so that a clone without the data writes the same card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.engine.dvc_store.dvc_lock import DirHash, read_lock
from flows.engine.file_marks import read_mark
from flows.engine.overview_files import CARD, REPORTS
from flows.engine.project import Project
from flows.engine.storage import Storage

PREFIX = "sha256 of "
"""Of the memos; the MD5 of a file follows."""
REPORT_STAGE = "report"
BLOCK = 1 << 20


def find_sha256(project: Project, files: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """MD5 to SHA-256 of `files` (path below the root to MD5 and size), without those that cannot be had.

    What is remembered of other files is forgotten.
    """
    wanted = {md5 for md5, _ in files.values()}
    remembered = project.state.read_memos(PREFIX)
    found = {md5: str(value) for md5, value in remembered.items() if md5 in wanted}
    storage = Storage.open(project.root)
    for path, (md5, size) in files.items():
        if md5 not in found and (place := _find_file(project.root / path, md5, size, storage)) is not None:
            found[md5] = _hash_file(place)
    if lacking := wanted - found.keys():
        found |= {md5: sha256 for md5, sha256 in _read_cards(project.root, storage) if md5 in lacking}
    project.state.drop_memos([f"{PREFIX}{md5}" for md5 in remembered.keys() - wanted])
    project.state.save_memos(PREFIX, {md5: sha256 for md5, sha256 in found.items() if md5 not in remembered})
    return found


def _find_file(path: Path, md5: str, size: int, storage: Storage | None) -> Path | None:
    """Where the bytes lie: in the working copy, whose files the plan has checked, or in DVC's cache."""
    mark = read_mark(path)
    if mark is not None and mark.size == size:
        return path
    return storage.objects.object_path(md5) if storage is not None and storage.objects.has_object(md5) else None


def _hash_file(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    return total.hexdigest()


def _read_cards(root: Path, storage: Storage | None) -> Iterator[tuple[str, str]]:
    """MD5 and SHA-256 of the files that the card here names, and of those of the recorded one."""
    here = root / REPORTS / CARD
    if here.is_file():
        yield from _read_card(here)
    record = read_lock(root).get(REPORT_STAGE)
    held = None if record is None else record.outs.get(REPORTS)
    if storage is None or not isinstance(held, DirHash) or not storage.ensure_local([held.md5]):
        return
    md5 = (storage.objects.read_listing(held.md5) or {}).get(CARD)
    if md5 is not None and storage.ensure_local([md5]):
        yield from _read_card(storage.objects.object_path(md5))


def _read_card(path: Path) -> Iterator[tuple[str, str]]:
    try:
        listed: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["distribution"]
        pairs = [(one["md5"], one["sha256"]) for one in listed if "md5" in one and "sha256" in one]
    except (OSError, ValueError, KeyError, TypeError):
        return  # of another version, or edited
    yield from pairs
