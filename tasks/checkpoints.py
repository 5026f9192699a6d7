"""Checkpoints of a long computation: finished intermediate results, kept on disk until the artifact is complete.

A run that was killed continues after the last checkpoint. A stage asks for them with an argument of type Checkpoints;
the engine then passes a folder that belongs to the item's recipe key, so what lies there was computed from the same
inputs, parameters and code, and removes it once the artifact is saved. A stage must read every checkpoint back from the
folder, also one that it has just written: then the result cannot depend on where a run was interrupted.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkpoints:
    """A folder of checkpoint files, each complete or absent."""

    folder: Path

    @classmethod
    def open_folder(cls, folder: Path) -> Checkpoints:
        """The checkpoints in `folder`, which is created; half-written files of a killed run are removed."""
        folder.mkdir(parents=True, exist_ok=True)
        for partial in folder.glob(".*"):
            partial.unlink()
        return cls(folder)

    def get_or_write(self, name: str, write: Callable[[Path], None]) -> Path:
        """The path of the checkpoint `name`; `write` is called with a temporary path where it does not exist yet."""
        path = self.folder / name
        if not path.exists():
            # The name stays at the end: some writers choose their format by the suffix.
            temporary = self.folder / f".{os.getpid()}-{threading.get_ident()}-{name}"
            try:
                write(temporary)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        return path

    def has_checkpoint(self, name: str) -> bool:
        """Whether the checkpoint `name` exists."""
        return (self.folder / name).exists()


@contextlib.contextmanager
def temporary_checkpoints() -> Generator[Checkpoints]:
    """Checkpoints in a temporary folder, removed when the block ends."""
    with tempfile.TemporaryDirectory(prefix="semflow-") as folder:
        yield Checkpoints(Path(folder))
