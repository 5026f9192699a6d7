"""Artifacts and user inputs of the toy stages."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tasks.artifacts.artifact import Artifact, UserInput


def note(call: str) -> None:
    """Write down that a stage's function ran: the tests look there, not only at what the engine says of itself."""
    calls = Path(os.environ["TOY_CALLS"])
    with calls.open("a", encoding="utf-8") as file:
        file.write(f"{call}\n")
    delay = calls.with_name("delay")  # seconds; a test that needs time writes it
    if delay.exists():
        time.sleep(float(delay.read_text()))


@dataclass(frozen=True)
class Text(Artifact):
    SUFFIX: ClassVar[str] = ".txt"
    text: str

    def save(self, path: Path) -> None:
        path.write_text(self.text, encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path.read_text(encoding="utf-8"))


class Words(Text):
    FOLDER: ClassVar[str] = "data/words"


class Facts(Text):
    FOLDER: ClassVar[str] = "data/facts"


class Counts(Text):
    FOLDER: ClassVar[str] = "data/counts"


class Totals(Text):
    FOLDER: ClassVar[str] = "data/totals"


class Looks(Text):
    FOLDER: ClassVar[str] = "data/looks"


@dataclass(frozen=True)
class Pages(Artifact):
    FOLDER: ClassVar[str] = "data/pages"
    SUFFIX: ClassVar[str] = ""
    lines: tuple[str, ...]

    def save(self, path: Path) -> None:
        (path / "more").mkdir(parents=True)
        (path / "index.txt").write_text(f"{len(self.lines)}", encoding="utf-8")
        for number, line in enumerate(self.lines):
            (path / f"more/{number}.txt").write_text(line, encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(tuple(file.read_text(encoding="utf-8") for file in sorted((path / "more").iterdir())))


@dataclass(frozen=True)
class Notes(UserInput):
    """A line that somebody wrote about a video."""

    FOLDER: ClassVar[str] = "data/notes"
    SUFFIX: ClassVar[str] = ".txt"
    text: str

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path.read_text(encoding="utf-8"))

    @classmethod
    def absent(cls) -> Self:
        return cls("")
