"""The records of `semflow forget`: a pending record of what is to be erased, and at the end a proof of erasure.

`.semflow/forgotten/pending-<hash>.json` contains the video's name and is deleted at the end. The proof,
`.semflow/forgotten/<time>-<hash>.json`, contains hashes and sizes, and of the name only its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.engine.state import STATE_FOLDER as STATE
from flows.engine.video_names import normalize_path, strip_suffix
from tasks.atomic_file import write_text_atomically

ERASURE_FOLDER = "forgotten"
PENDING_PREFIX = "pending-"
HASH_DIGITS = 16
"""Hexadecimal digits of the name's hash in a file name."""


@dataclass
class PendingErasure:
    """What is to be erased; written before anything is erased."""

    video: str
    relative: str
    """Path below data/raw."""
    names: list[str]
    """All names that the video had."""
    stems: list[str]
    flat_stems: list[str]
    keys: list[str]
    """Keys of its items."""
    paths: list[str]
    """Its files and folders in the working copy, relative to the root."""
    objects: dict[str, list[Any]]
    """Object (MD5) to its size in bytes (None where unknown) and its folder."""
    shared: list[str]
    """Objects that are kept because others need them too."""
    listings: list[str]
    """Listings that contain one of the objects and that no commit refers to."""
    remote: bool
    """Whether the objects in the remote are erased too."""
    notes: list[str]
    """Descriptions of copies that cannot be erased."""
    at: float
    """Seconds since 1970."""

    @property
    def name_sha256(self) -> str:
        """SHA-256 of the video's name."""
        return hash_name(self.video)

    def note_path(self, root: Path) -> Path:
        """Path of the pending record."""
        return root / STATE / ERASURE_FOLDER / f"{PENDING_PREFIX}{self.name_sha256[:HASH_DIGITS]}.json"

    def save(self, root: Path) -> None:
        """Write the pending record."""
        write_text_atomically(self.note_path(root), json.dumps(asdict(self)) + "\n")


def list_pending(root: Path) -> list[PendingErasure]:
    """Pending records of earlier calls that did not finish."""
    found: list[PendingErasure] = []
    for path in sorted((root / STATE / ERASURE_FOLDER).glob(f"{PENDING_PREFIX}*.json")):
        with suppress(OSError, ValueError, TypeError):
            found.append(PendingErasure(**json.loads(path.read_text(encoding="utf-8"))))
    return found


def list_proofs(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Path and content of every proof, the newest first."""
    for path in sorted(
        (root / STATE / ERASURE_FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True
    ):
        if not path.name.startswith(PENDING_PREFIX):
            with suppress(OSError, ValueError):
                yield path, json.loads(path.read_text(encoding="utf-8"))


def find_proof(root: Path, typed: str) -> tuple[Path, dict[str, Any]] | None:
    """Path and content of the newest proof of the video that a user typed; None where there is none."""
    below = normalize_path(typed).rpartition("data/raw/")[2]
    hashes = {hash_name(name) for name in (normalize_path(typed), below, strip_suffix(below))}
    return next((found for found in list_proofs(root) if found[1].get("video_sha256") in hashes), None)


def write_proof(root: Path, proof: dict[str, Any]) -> Path:
    """Write a proof to a new file; gives its path."""
    stem = f"{time.strftime('%Y%m%dT%H%M%S')}-{proof['video_sha256'][:HASH_DIGITS]}"
    folder = root / STATE / ERASURE_FOLDER
    numbers = (folder / (f"{stem}-{n}.json" if n else f"{stem}.json") for n in range(10_000))
    path = next(path for path in numbers if not path.exists())
    write_text_atomically(path, json.dumps(proof, indent=1) + "\n")
    return path


def hash_name(name: str) -> str:
    """SHA-256 of a video's name."""
    return hashlib.sha256(name.encode()).hexdigest()
