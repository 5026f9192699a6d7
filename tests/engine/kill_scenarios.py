"""Stages that fail on demand in worker processes.

What becomes of a video stands in its raw file, `<deed> <video>`; the deed is done by the stage `act`. The folder
$PERILOUS holds what a test wants to know and to steer: `calls` (a line per call of a stage), `stop` (the moment at
which whoever comes to it stops until a signal comes: `<stage> <video> <phase> <number>`) and `here` (the process
that did).
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.raw_video import RawVideo
from tasks.errors import BadInput
from tasks.params import Params
from tasks.progress import track_progress
from tasks.stage import stage

FOLDER = "PERILOUS"
"""Environment variable: where the notes lie."""
BREAK = "PERILOUS_BREAK"
"""Environment variable: what a process that imports this module does instead."""
FOREVER_S = 3600.0
STEPS = 3
"""Moments in each phase of an item."""
PARAMS = """\
compute:
  device: cpu
  workers: 2
  batch: 1
  item_timeout_s: 0
  worker_memory_gb: 0
  store_raw: false
  recompute: []
read: {}
act:
  careful: false
tell:
  times: 2
"""

if os.environ.get(BREAK) == "raise":
    raise RuntimeError("no such library: libperil.so")
if os.environ.get(BREAK) == "segfault":
    ctypes.string_at(0)


def notes() -> Path:
    """The folder for what tests want to know."""
    return Path(os.environ[FOLDER])


def note_call(stage: str, video: str) -> int:
    """Note that a stage was called; how often it was for this video, this call included."""
    with (notes() / "calls").open("a") as file:
        file.write(f"{stage} {video}\n")
    return (notes() / "calls").read_text().splitlines().count(f"{stage} {video}")


def moment(name: str) -> None:
    """Stop until a signal comes, if this is the moment to do so; only the first who comes to it does."""
    stop = notes() / "stop"
    try:
        if stop.read_text() != name:
            return
        stop.unlink()
    except FileNotFoundError:
        return
    beside = notes() / f"here-{os.getpid()}"
    beside.write_text(str(os.getpid()))
    beside.replace(notes() / "here")
    signal.pause()


@dataclass(frozen=True)
class Text(Artifact):
    """Text that is written piece by piece; its last word is the video."""

    SUFFIX: ClassVar[str] = ".txt"
    STAGE: ClassVar[str]
    text: str

    def save(self, path: Path) -> None:
        with path.open("w") as file:
            for n in range(STEPS):
                moment(f"{self.STAGE} {self.text.split()[-1]} writing {n}")
                file.write(self.text[len(self.text) * n // STEPS : len(self.text) * (n + 1) // STEPS])
                file.flush()

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path.read_text())


class Words(Text):
    FOLDER: ClassVar[str] = "data/words"
    STAGE: ClassVar[str] = "read"


class Deeds(Text):
    FOLDER: ClassVar[str] = "data/deeds"
    STAGE: ClassVar[str] = "act"


class Tales(Text):
    FOLDER: ClassVar[str] = "data/tales"
    STAGE: ClassVar[str] = "tell"


@dataclass(frozen=True)
class Scenes(Artifact):
    """A folder of files."""

    FOLDER: ClassVar[str] = "data/scenes"
    SUFFIX: ClassVar[str] = ""
    words: tuple[str, ...]

    def save(self, path: Path) -> None:
        path.mkdir()
        for n, word in enumerate(self.words):
            moment(f"act {self.words[-1]} writing {STEPS + n}")
            (path / f"{n}.txt").write_text(word)

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(tuple(file.read_text() for file in sorted(path.iterdir())))


class ReadParams(Params):
    pass


class ActParams(Params):
    careful: bool
    """Whether to leave the deed undone."""


class TellParams(Params):
    times: int
    """How often."""


@stage()
def read(raw: RawVideo, params: ReadParams) -> Words:
    text = raw.file.read_text()
    _begin("read", text.split()[-1])
    return Words(text)


@stage()
def act(words: Words, params: ActParams) -> tuple[Deeds, Scenes]:
    deed, *arguments, video = words.text.split()
    calls = _begin("act", video)
    if not params.careful:
        _do(deed, arguments, calls)
    return Deeds(f"did {words.text}"), Scenes((deed, video))


@stage()
def tell(deeds: Deeds, scenes: Scenes, params: TellParams) -> Tales:
    video = scenes.words[-1]
    _begin("tell", video)
    return Tales(f"{deeds.text} and " * params.times + video)


def _begin(stage: str, video: str) -> int:
    calls = note_call(stage, video)
    for n in range(STEPS):
        moment(f"{stage} {video} computing {n}")
    return calls


def _do(deed: str, arguments: list[str], calls: int) -> None:
    match deed:
        case "segfault":
            ctypes.string_at(0)
        case "segfault-once" if calls == 1:
            ctypes.string_at(0)
        case "abandon":  # dies, and leaves a child that holds all that it inherited
            subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER_S})"], close_fds=False)
            ctypes.string_at(0)
        case "abandon-fork":
            if os.fork():
                ctypes.string_at(0)
            signal.pause()
        case "exit":
            sys.exit(3)
        case "die":
            os._exit(3)
        case "hang":
            signal.pause()
        case "eat":
            _eat()
        case "raise":
            raise RuntimeError("a bug")
        case "fault":
            raise BadInput("the film must have frames, got none; replace or remove it")
        case "stumble" if calls <= int(arguments[0]):
            raise OSError(5, "Input/output error")
        case "warn":
            logging.getLogger("semflow").warning("the film is dark")
        case "chatter":
            print("to standard output")
            print("to standard error", file=sys.stderr)
        case "step":
            with track_progress("act", "paces", STEPS) as step:
                for n in range(STEPS):
                    step(f"pace {n}")
        case _:
            pass


def _eat() -> None:
    """Take 2 GB, 20 MB at a time, and keep them."""
    held: list[bytes] = []
    for _ in range(100):
        held.append(b"x" * 20_000_000)
        time.sleep(0.02)
    signal.pause()


def _interpose() -> None:
    """Moments between the moves of an item's artifacts into place; in a worker alone, which has that module."""
    job_execution: Any = sys.modules.get("flows.engine.job_execution")
    if job_execution is None:
        return
    move = job_execution.move_into_place

    def moving(source: Path, final: Path) -> None:
        moment(f"moving {final.parent.name} {final.stem}")
        move(source, final)

    job_execution.move_into_place = moving


STAGES = (read, act, tell)
PIPELINE = "tests.engine.kill_scenarios:STAGES"
if FOLDER in os.environ:
    _interpose()
