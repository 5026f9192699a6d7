"""Content hashes of files and folders, and writing that a kill cannot tear.

MD5 because it is DVC's address: an output's hash here is the name of its object in a DVC cache. Nothing rests on it
against an attacker; weights, which are downloaded, are held to SHA-256 elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path

BLOCK = 1 << 20


def combine_hashes(files: Mapping[str, str]) -> str:
    """One hash for file to MD5: the file's own where its name is "", else that of the sorted listing."""
    if len(files) == 1 and "" in files:
        return files[""]
    return hashlib.md5(json.dumps(dict(files), sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write beside `path` and move over it; parents are made, and what cannot be finished leaves nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def md5_file(path: Path) -> str:
    """MD5 of a file's bytes."""
    total = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    return total.hexdigest()
