"""The batches of a run in `.semflow/batches.json`, which `semflow status` prints beside the progress of the run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.engine.state import STATE_FOLDER
from tasks.atomic_file import write_text_atomically

BATCHES_FILE = "batches.json"


@dataclass(frozen=True)
class BatchLine:
    """What is known of one open batch."""

    id: str
    needs: str
    agents: tuple[str, ...]
    """Who works on it; () while it waits."""
    since: float
    """Seconds since 1970 when it was launched."""
    videos: int
    done: int
    """Items whose results were accepted."""
    items: int


def write_batches(root: Path, lines: Iterable[BatchLine]) -> None:
    """Write the open batches; a full disk must not stop a run."""
    value = {"pid": os.getpid(), "at": time.time(), "batches": [asdict(line) for line in lines]}
    try:
        write_text_atomically(root / STATE_FOLDER / BATCHES_FILE, json.dumps(value) + "\n")
    except OSError:
        return


def read_batches(root: Path, pid: int) -> list[dict[str, Any]]:
    """The open batches of the run of process `pid`; [] where it computes here."""
    try:
        value = json.loads((root / STATE_FOLDER / BATCHES_FILE).read_text(encoding="utf-8"))
        return value["batches"] if value["pid"] == pid else []
    except (OSError, ValueError, KeyError, TypeError):
        return []
