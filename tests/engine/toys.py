"""Toy stages: text files for videos, so that the engine's rules are tested without decoding anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.raw_video import RawVideo
from tasks.errors import BadInput
from tasks.params import Params
from tasks.stage import stage

PARAMS = """\
compute:
  device: cpu
  workers: 2
  batch: 1
  item_timeout_s: 0
  worker_memory_gb: 0
  store_raw: true
  recompute: []
read:
  upper: false
count:
  letter: a
repeat:
  times: 2
join: {}
"""


@dataclass(frozen=True)
class Text(Artifact):
    SUFFIX: ClassVar[str] = ".txt"
    text: str

    def save(self, path: Path) -> None:
        path.write_text(self.text)

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path.read_text())


class Words(Text):
    FOLDER: ClassVar[str] = "data/words"


class Counts(Text):
    FOLDER: ClassVar[str] = "data/counts"


class Echoes(Text):
    FOLDER: ClassVar[str] = "data/echoes"


@dataclass(frozen=True)
class Pages(Artifact):
    FOLDER: ClassVar[str] = "data/pages"
    SUFFIX: ClassVar[str] = ""
    lines: tuple[str, ...]

    def save(self, path: Path) -> None:
        path.mkdir()
        for number, line in enumerate(self.lines):
            (path / f"{number}.txt").write_text(line)

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(tuple(p.read_text() for p in sorted(path.iterdir())))


class ReadParams(Params):
    upper: bool
    """Whether to shout."""


class CountParams(Params):
    letter: str
    """What to count."""


class RepeatParams(Params):
    times: int
    """How often to say it."""


class JoinParams(Params):
    pass


CALLS: list[str] = []
"""Names of the stages that ran, in order, for assertions."""


@stage()
def read(raw: RawVideo, params: ReadParams) -> Words:
    CALLS.append(f"read {raw.file.stem}")
    text = raw.file.read_text()
    if not text:
        raise BadInput(f"{raw.file.name} must hold text, got an empty file; replace or remove it")
    return Words(text.upper() if params.upper else text)


@stage()
def count(words: Words, params: CountParams) -> Counts:
    CALLS.append("count")
    if words.text == "crash":
        raise RuntimeError("a bug")
    return Counts(str(words.text.count(params.letter)))


@stage()
def repeat(words: Words, params: RepeatParams) -> Echoes:
    CALLS.append("repeat")
    return Echoes(words.text * params.times)


@stage()
def join(counts: Counts, echoes: Echoes, params: JoinParams) -> Pages:
    CALLS.append("join")
    return Pages((counts.text, echoes.text))


TOYS = (read, count, repeat, join)
