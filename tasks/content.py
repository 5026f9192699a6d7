"""Content hashes of files and folders, remembered by size, time and inode so that a look-up costs a `stat`.

MD5 because it is DVC's address: an output's hash here is the name of its object in a DVC cache. Nothing rests on it
against an attacker; weights, which are downloaded, are held to SHA-256 elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

RACY_NS = 2_000_000_000  # a file touched this recently may change again within its timestamp's resolution
BLOCK = 1 << 20


@dataclass
class Hashes:
    """MD5 of files, remembered in one JSON file; safe to share between threads."""

    store: Path
    _known: dict[str, list[int | str]] = field(init=False)
    _changed: bool = field(init=False, default=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        try:
            self._known = json.loads(self.store.read_text())
        except (OSError, ValueError):
            self._known = {}  # a cache: losing it costs time, never truth

    def of_file(self, path: Path) -> str | None:
        """MD5 of the file's bytes, or None where there is no such file."""
        try:
            stat = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        name, mark = str(path), [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = self._known.get(name)
        if known is not None and known[:3] == mark:
            return str(known[3])
        digest = _md5(path)
        if time.time_ns() - stat.st_mtime_ns > RACY_NS:
            with self._lock:
                self._known[name] = [*mark, digest]
                self._changed = True
        return digest

    def of(self, path: Path) -> dict[str, str]:
        """File to MD5: {"": md5} for a file, {relative name: md5} for a folder, {} where there is nothing."""
        if path.is_dir():
            names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
            return {name: self.of_file(path / name) or "" for name in names}
        digest = self.of_file(path)
        return {} if digest is None else {"": digest}

    def save(self) -> None:
        """Write what was learned; a reader sees the old file or the new one, never half."""
        with self._lock:
            if not self._changed:
                return
            write_atomically(self.store, json.dumps(self._known))
            self._changed = False


def digest(files: Mapping[str, str]) -> str:
    """One hash for what `Hashes.of` gives: the file's own, or that of the folder's sorted listing."""
    if set(files) == {""}:
        return files[""]
    return hashlib.md5(json.dumps(dict(files), sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write beside `path` and move over it; parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _md5(path: Path) -> str:
    total = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    return total.hexdigest()
