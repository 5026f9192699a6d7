"""Copies of files that share blocks where the file system can (reflink), verified by MD5, whole or not there at all."""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import threading
from pathlib import Path

BLOCK = 1 << 20
TEMPORARY_GLOB = ".*.*.*.tmp"
"""What `name_beside` gives, as a glob."""
FICLONE = 0x40049409  # linux/fs.h

_number = itertools.count()


def copy_verified(source: Path, target: Path, md5: str, mode: int | None = None) -> bool:
    """Put a copy of `source` at `target` in one step; False, and nothing is written, where its bytes are not `md5`.

    Never a link: a later write to one must not reach the other. `mode` are permission bits; None leaves the default of
    new files. Errors of the file system come out as OSError; nothing is left half written.
    """
    beside = make_temporary_path(target)
    try:
        if _copy(source, beside) != md5:
            return False
        if mode is not None:
            set_mode(beside, mode)
        beside.replace(target)
        return True
    finally:
        beside.unlink(missing_ok=True)


def write_bytes_atomically(target: Path, text: bytes, mode: int | None = None) -> None:
    """Write `target` in one step: a reader sees the old bytes or the new ones, and a full disk leaves no litter."""
    beside = make_temporary_path(target)
    try:
        beside.write_bytes(text)
        if mode is not None:
            set_mode(beside, mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def make_temporary_path(target: Path) -> Path:
    """A hidden name in the folder of `target`, used by nothing else; its own name may be too long to add to."""
    return target.with_name(f".{os.getpid()}.{threading.get_ident()}.{next(_number)}.tmp")


def md5_of(path: Path) -> str:
    """MD5 of the file's bytes."""
    total = hashlib.md5(usedforsecurity=False)
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            total.update(block)
    return total.hexdigest()


def set_mode(path: Path, mode: int) -> None:
    """Set permission bits where the file system has them; some network file systems have not, as DVC accepts too."""
    try:
        path.chmod(mode)
    except PermissionError:
        return


def _copy(source: Path, target: Path) -> str:
    """MD5 of what came to lie at `target`."""
    with source.open("rb", buffering=0) as reader, target.open("xb", buffering=0) as writer:
        if _reflink(reader.fileno(), writer.fileno()):
            return md5_of(target)
        total = hashlib.md5(usedforsecurity=False)
        while block := reader.read(BLOCK):
            total.update(block)
            rest = memoryview(block)
            while rest:
                rest = rest[writer.write(rest) :]
    return total.hexdigest()


def _reflink(reader: int, writer: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(writer, FICLONE, reader)
    except OSError:
        return False
    return True
