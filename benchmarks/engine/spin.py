"""A pipeline of one stage that computes in Python alone, for measuring what a second worker process brings.

Threads would bring nothing here: Python's interpreter lock lets one of them compute at a time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.raw_video import RawVideo
from tasks.params import Params
from tasks.stage import stage

SPIN_S = 0.2


@dataclass(frozen=True)
class Turns(Artifact):
    """How often the loop went round."""

    FOLDER: ClassVar[str] = "data/turns"
    SUFFIX: ClassVar[str] = ".txt"

    text: str

    def save(self, path: Path) -> None:
        path.write_text(self.text, encoding="ascii")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path.read_text(encoding="ascii"))


class SpinParams(Params):
    """None."""


@stage()
def spin(raw: RawVideo, params: SpinParams) -> Turns:
    """Count for SPIN_S of processor time."""
    del params
    until = time.process_time() + SPIN_S
    turns = 0
    while time.process_time() < until:
        turns += 1
    return Turns(f"{raw.file.stem} {turns}\n")


STAGES = (spin,)
