"""The values that the engine hands out while it runs: items, what became of them, and who is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Protocol

from tasks.artifacts.artifact import DATASET_ITEM

Result = Literal["computed", "restored", "reused", "remote", "failed", "blocked", "stopped"]
"""computed: made in this run. restored: taken from DVC's cache or remote. reused: was fresh. remote: fresh, but its
bytes are in the remote and nothing had to read them. failed, blocked: see the error. stopped: the run was interrupted
before or while it was made."""
GOOD: tuple[Result, ...] = ("computed", "restored", "reused", "remote")


class Item(NamedTuple):
    """One stage of one video; of the whole dataset where `video` is ALL."""

    video: str
    stage: str

    def __str__(self) -> str:
        return f"{self.stage} {'(dataset)' if self.video == DATASET_ITEM else self.video}"


@dataclass(frozen=True)
class Outcome:
    """What became of an item in a run."""

    video: str
    stage: str
    result: Result
    seconds: float = 0.0
    """Wall time of its last try in its worker."""
    frames: int = 0
    """Frames of the video, where the item was computed and they are known."""
    error: str | None = None
    recorded: bool = False
    """Whether the failure is the input's own and lies recorded, so that it is a result and not an accident."""
    bytes: int = 0
    """Size of what was made."""

    def __str__(self) -> str:
        rate = f" ({self.frames / self.seconds:.0f} frames/s)" if self.result == "computed" and self.frames else ""
        took = f" in {self.seconds:.1f} s{rate}" if self.seconds else ""
        return f"{self.item}: {self.result}{took}{f' - {self.error}' if self.error else ''}"

    @property
    def item(self) -> Item:
        """The item that it is the outcome of."""
        return Item(self.video, self.stage)

    @property
    def is_good(self) -> bool:
        """Whether the artifact is there and fresh."""
        return self.result in GOOD

    def to_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    outcomes: tuple[Outcome, ...]
    """Of every item in question, by video and in the order of the stages."""
    seconds: float
    """Wall time of the run, planning and recording included."""
    moved: tuple[str, ...]
    """Files in artifact folders that belong to no video, moved to .semflow/removed."""
    unrecorded: Mapping[str, str]
    """Stages that DVC could not record, and why."""
    index: str
    """The page over all videos; "" where there is none."""
    notes: tuple[str, ...] = ()
    """What else a user should know, a line each."""
    interrupted: int = 0
    """The signal that ended the run early; 0 where it came to its end."""
    expected_s: float | None = None
    """Item seconds that the plan expected for what was computed, from the run log; None where it knew nothing."""

    @property
    def is_good(self) -> bool:
        """Whether every item is there and fresh."""
        return not self.interrupted and all(outcome.is_good for outcome in self.outcomes)

    @property
    def all_done(self) -> bool:
        """Whether every item is good, or its fault is recorded: nothing is left that another run could mend."""
        return not self.interrupted and all(outcome.is_good or outcome.recorded for outcome in self.outcomes)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**asdict(self), "good": self.is_good}


@dataclass(frozen=True)
class Step:
    """How far an item is, as its stage says."""

    what: str
    """What is being done, e.g. "maps" or "fetching yolo26n.pt"."""
    done: float
    total: float
    remark: str = ""


class Observer(Protocol):
    """Somebody who is told what happens in a run: called from the engine's loop, returns at once, never raises."""

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """The stale items in the order in which they would be made, and what each is expected to take where known."""
        ...

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """A worker (numbered from 0) took up the item, for the first time (attempt 1) or again."""
        ...

    def on_progress(self, item: Item, step: Step) -> None:
        """The item in hand came a step further."""
        ...

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """A try ended; unless `final`, the item will be tried again. Items that never started end too (blocked)."""
        ...

    def on_message(self, level: int, message: str) -> None:
        """A line for the user (a `logging` level), e.g. a warning out of a worker."""
        ...

    def on_finished(self, summary: Summary) -> None:
        """The run is over, everything is recorded."""
        ...
