"""DVC's object store: files by the MD5 of their bytes, and listings of folders (`.dir`) by the MD5 of their text.

Source: `dvc_data.hashfile` 3.18 (`db/local.py`, `tree.py`). Objects lie at `<cache>/files/md5/ab/cdef…`, read-only: DVC
takes an object of mode 0444 for verified, so nothing is put there unverified.
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
"""What the hash of a folder's listing ends with."""

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
        """Where the object lies, there or not; raises ValueError where `md5` is no hash."""
        if _MD5.fullmatch(md5) is None:
            raise ValueError(f"an object's name must be an MD5, with {DIR_SUFFIX} behind it for a folder, got {md5!r}")
        return self.folder / md5[:2] / md5[2:]

    def has_object(self, md5: str) -> bool:
        """Whether the object is here."""
        # Asked of every file of a dataset, so without making a Path: 5 times as fast.
        return os.path.isfile(f"{self.folder}/{md5[:2]}/{md5[2:]}") and bool(_MD5.fullmatch(md5))  # noqa: PTH113

    def add_file(self, file: Path, md5: str) -> None:
        """Keep a copy of `file`; raises SemflowError where its bytes are not `md5`, OSError where there is no room."""
        target = self.object_path(md5)
        try:
            held = target.stat()
        except (FileNotFoundError, NotADirectoryError):
            held = None
        # An object that is not read-only or has another size was left by a crash or changed by hand: write it again.
        if held is not None and stat.S_IMODE(held.st_mode) == MODE and held.st_size == file.stat().st_size:
            return
        self.make_folder(target.parent)
        if not copy_verified(file, target, md5, MODE):
            raise SemflowError(
                f"{file} must have the MD5 {md5}, got other bytes: it changed in the meantime; run again"
            )

    def restore_file(self, md5: str, target: Path) -> bool:
        """Put a copy of the object at `target`; False where it is not here, or its bytes are not what its name says.

        Such an object is removed: everything that reads the store would take it for good.
        """
        source = self.object_path(md5)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if copy_verified(source, target, md5.removesuffix(DIR_SUFFIX)):
                return True
        except FileNotFoundError:
            if source.exists():  # then it is the target's folder that went away
                raise
            return False
        self._discard(source)
        return False

    def read_listing(self, md5_dir: str) -> dict[str, str] | None:
        """Relative path to MD5 of every file in the folder; None where the listing is not here or damaged."""
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
        """Keep the listing of a folder, {relative path: MD5}, and give its hash, which ends with `.dir`."""
        text = encode_listing(entries)
        md5_dir = _md5(text) + DIR_SUFFIX
        path = self.object_path(md5_dir)
        if path.is_file() and path.stat().st_size == len(text):
            return md5_dir
        self.make_folder(path.parent)
        write_bytes_atomically(path, text, MODE)
        return md5_dir

    def remove_litter(self, min_age_s: float = 86_400.0) -> int:
        """Remove what killed processes left half written, older than `min_age_s` seconds; how many files."""
        oldest = time.time() - min_age_s
        left = [path for path in self.folder.glob(f"??/{TEMPORARY_GLOB}") if path.lstat().st_mtime < oldest]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def make_folder(self, folder: Path) -> None:
        """Make a folder of the store with the permissions that DVC gives it."""
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
            return  # a store that belongs to others: its owner has to mend it


def hash_listing(entries: Mapping[str, str]) -> str:
    """The hash that DVC gives a folder of these files, {relative path: MD5}; nothing is written."""
    return _md5(encode_listing(entries)) + DIR_SUFFIX


def encode_listing(entries: Mapping[str, str]) -> bytes:
    """The bytes of a `.dir` object, exactly as DVC writes them: the hash is over them."""
    rows = [{"md5": entries[path], "relpath": path} for path in sorted(entries)]
    return json.dumps(rows).encode("utf-8")


def parse_listing(text: bytes) -> dict[str, str] | None:
    """What a `.dir` object says; None where it is damaged or names a place outside its folder."""
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
