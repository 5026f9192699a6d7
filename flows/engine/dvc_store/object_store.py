"""DVC's object store: files by the MD5 of their bytes, and listings of folders (`.dir`) by the MD5 of their text.

Source: `dvc_data.hashfile` 3.18 (`db/local.py`, `tree.py`). Objects are stored at `<cache>/files/md5/ab/cdef…`,
read-only: DVC assumes that an object of mode 0444 was verified, so every object is verified before it is stored.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.engine.dvc_store.dvc_config import read_config
from flows.engine.dvc_store.verified_copy import TEMPORARY_GLOB, copy_verified, set_mode, write_bytes_atomically
from tasks.errors import SemflowError

MODE = 0o444
GROUP_FOLDER_MODE = 0o2775
DIR_SUFFIX = ".dir"
"""Suffix of the hash of a folder's listing."""

_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True)
class ObjectStore:
    """The local cache of a DVC repository; safe to use from several threads and processes."""

    folder: Path
    """`<cache>/files/md5`."""
    shared: bool = False
    """Whether new folders are writable for the group."""

    @classmethod
    def open(cls, root: Path) -> ObjectStore | None:
        """The store of the repository at `root`; None where there is no `.dvc` folder."""
        config = read_config(root)
        return None if config is None else cls(config.cache / "files" / "md5", config.shared)

    def object_path(self, md5: str) -> Path:
        """Path of the object, which may not exist; raises ValueError where `md5` is not a hash."""
        if _MD5.fullmatch(md5) is None:
            raise ValueError(f"an object's name must be an MD5, followed by {DIR_SUFFIX} for a folder, got {md5!r}")
        return self.folder / md5[:2] / md5[2:]

    def has_object(self, md5: str) -> bool:
        """Whether the store has the object."""
        # Called for every file of a dataset; without building a Path it is 5 times as fast.
        return os.path.isfile(f"{self.folder}/{md5[:2]}/{md5[2:]}") and bool(_MD5.fullmatch(md5))  # noqa: PTH113

    def add_file(self, file: Path, md5: str) -> None:
        """Store a copy of `file`; raises SemflowError where its MD5 is not `md5`, OSError e.g. on a full disk."""
        target = self.object_path(md5)
        try:
            held = target.stat()
        except (FileNotFoundError, NotADirectoryError):
            held = None
        # An object that is writable or has another size was left by a crash or edited: write it again.
        if held is not None and stat.S_IMODE(held.st_mode) == MODE and held.st_size == file.stat().st_size:
            return
        self.make_folder(target.parent)
        if not copy_verified(file, target, md5, MODE):
            raise SemflowError(
                f"{file} must have the MD5 {md5}, got other bytes: it changed in the meantime; run again"
            )

    def restore_file(self, md5: str, target: Path) -> bool:
        """Copy the object to `target`; False where the store does not have it, or its bytes do not have this hash.

        A damaged object is removed, since other readers of the store would use it.
        """
        source = self.object_path(md5)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if copy_verified(source, target, md5.removesuffix(DIR_SUFFIX)):
                return True
        except FileNotFoundError:
            if source.exists():  # then the target's folder was removed meanwhile
                raise
            return False
        self._discard(source)
        return False

    def read_listing(self, md5_dir: str) -> dict[str, str] | None:
        """Relative path to MD5 of every file in the folder; None where the listing is missing or damaged."""
        path = self.object_path(md5_dir)
        try:
            text = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        entries = parse_listing(text) if _md5(text) + DIR_SUFFIX == md5_dir else None
        if entries is None:
            self._discard(path)
        return entries

    def write_listing(self, entries: Mapping[str, str]) -> str:
        """Store the listing of a folder, {relative path: MD5}; gives its hash, which ends with `.dir`."""
        text = encode_listing(entries)
        md5_dir = _md5(text) + DIR_SUFFIX
        path = self.object_path(md5_dir)
        if path.is_file() and path.stat().st_size == len(text):
            return md5_dir
        self.make_folder(path.parent)
        write_bytes_atomically(path, text, MODE)
        return md5_dir

    def remove_temporary_files(self, min_age_s: float = 86_400.0) -> int:
        """Remove temporary files of killed processes, older than `min_age_s` seconds; gives their number."""
        oldest = time.time() - min_age_s
        left = [path for path in self.folder.glob(f"??/{TEMPORARY_GLOB}") if path.lstat().st_mtime < oldest]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def make_folder(self, folder: Path) -> None:
        """Create a folder of the store with the permissions that DVC uses."""
        if folder.is_dir():
            return
        if not self.shared:
            folder.mkdir(parents=True, exist_ok=True)
            return
        self.make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        set_mode(folder, GROUP_FOLDER_MODE)

    @staticmethod
    def _discard(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except PermissionError:
            return  # a shared store: only the owner of the file can remove it


def hash_listing(entries: Mapping[str, str]) -> str:
    """DVC's hash of a folder with these files, {relative path: MD5}; nothing is written."""
    return _md5(encode_listing(entries)) + DIR_SUFFIX


def encode_listing(entries: Mapping[str, str]) -> bytes:
    """The bytes of a `.dir` object, exactly as DVC writes them, since they are hashed."""
    rows = [{"md5": entries[path], "relpath": path} for path in sorted(entries)]
    return json.dumps(rows).encode("utf-8")


def parse_listing(text: bytes) -> dict[str, str] | None:
    """{relative path: MD5} of a `.dir` object; None where it is damaged or names a path outside the folder."""
    try:
        rows: Any = json.loads(text)
        entries = {str(row["relpath"]): str(row["md5"]) for row in rows}
    except (ValueError, TypeError, KeyError):
        return None
    return entries if all(_is_inside(path) and _MD5.fullmatch(md5) for path, md5 in entries.items()) else None


def _is_inside(path: str) -> bool:
    return "\0" not in path and not {"", ".", ".."} & set(path.split("/"))


def _md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()
