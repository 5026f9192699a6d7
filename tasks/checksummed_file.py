"""Files that vouch for themselves: the SHA-256 of the rest comes first, so what was cut, torn or changed is not read.

For what a cache keeps to save time: whoever gets None makes it again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

DIGEST = hashlib.sha256().digest_size


def write_checksummed(path: Path, data: bytes) -> None:
    """Write `data`; a reader sees all of it or nothing."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        beside.write_bytes(hashlib.sha256(data).digest() + data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_checksummed(path: Path) -> bytes | None:
    """What was written, or None where there is nothing, or something else."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, data = whole[:DIGEST], whole[DIGEST:]
    return data if hashlib.sha256(data).digest() == digest else None
