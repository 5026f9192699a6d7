"""Parts of an item that are done, kept until the whole is: a run that was killed goes on after the last of them.

A stage that takes long may take an argument of type Checkpoints. The engine hands it a folder of the item's own recipe,
so what lies there was made of the same inputs, parameters and code, and removes it once the artifact stands. A stage
must read every part back from there, also those that it made just now: then it cannot matter where a run was cut.
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
    """A folder of parts, each whole or not there."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Checkpoints:
        """Those in `folder`, which is made; what a killed run left half-written there is removed."""
        folder.mkdir(parents=True, exist_ok=True)
        for half in folder.glob(".*"):
            half.unlink()
        return cls(folder)

    def part(self, name: str, write: Callable[[Path], None]) -> Path:
        """The file of the part `name`, which `write` writes if it is not there yet."""
        path = self.folder / name
        if not path.exists():
            beside = self.folder / f".{os.getpid()}-{threading.get_ident()}-{name}"
            try:
                write(beside)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
        return path

    def has(self, name: str) -> bool:
        """Whether the part `name` is there."""
        return (self.folder / name).exists()


@contextlib.contextmanager
def temporary_checkpoints() -> Generator[Checkpoints]:
    """Checkpoints that nobody comes back to: their folder goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="semflow-") as folder:
        yield Checkpoints(Path(folder))
