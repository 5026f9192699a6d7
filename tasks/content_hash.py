"""Content hashes (MD5) of files and of listings of files.

MD5 because it is DVC's address: the hash of an output is the name of its object in DVC's cache. It does not protect
against an attacker; downloaded weights are checked by SHA-256 (tasks/weights).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

BLOCK = 1 << 20


def combine_hashes(files: Mapping[str, str]) -> str:
    """One hash for a mapping of file name to MD5: the file's own where its only name is "", else that of the sorted
    listing as JSON.
    """
    if len(files) == 1 and "" in files:
        return files[""]
    return hashlib.md5(json.dumps(dict(files), sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def md5_file(path: Path) -> str:
    """MD5 of a file's bytes, as 32 hexadecimal digits."""
    total = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    return total.hexdigest()
