"""Cache files that carry a SHA-256 of their content in front of it: a file that was cut, torn or changed is not read.

For caches: where `read_checksummed` gives None, the caller computes the content again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tasks.atomic_file import replace_atomically

DIGEST_BYTES = hashlib.sha256().digest_size


def write_checksummed(path: Path, data: bytes) -> None:
    """Write the SHA-256 of `data` and `data` to `path` in one step."""
    with replace_atomically(path) as temporary:
        temporary.write_bytes(hashlib.sha256(data).digest() + data)


def read_checksummed(path: Path) -> bytes | None:
    """The data that was written to `path`; None where there is no file or its checksum does not match."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    checksum, data = whole[:DIGEST_BYTES], whole[DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == checksum else None
