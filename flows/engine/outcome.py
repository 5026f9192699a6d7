"""The values that describe a run: items, their outcomes, the summary, and the interface of observers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Protocol

from tasks.artifacts.artifact import DATASET_ITEM

Result = Literal["computed", "restored", "reused", "remote", "failed", "blocked", "stopped"]
"""computed: in this run. restored: copied from DVC's cache or remote. reused: was fresh. remote: fresh, but its bytes
are only in the remote and were not needed. failed, blocked: see the error. stopped: the run was interrupted before the
item was finished."""
GOOD: tuple[Result, ...] = ("computed", "restored", "reused", "remote")


class Item(NamedTuple):
    """One stage of one video; of the whole dataset where `video` is DATASET_ITEM."""

    video: str
    stage: str

    def __str__(self) -> str:
        return f"{self.stage} {'(dataset)' if self.video == DATASET_ITEM else self.video}"


@dataclass(frozen=True)
class Outcome:
    """The result of an item in a run."""

    video: str
    stage: str
    result: Result
    seconds: float = 0.0
    """Wall time of its last attempt in a worker."""
    frames: int = 0
    """Number of frames of the video, where the item was computed and the number is known."""
    error: str | None = None
    recorded: bool = False
    """Whether the failure was caused by the input and is recorded in a recipe, so that it is not tried again."""
    bytes: int = 0
    """Size of the item's artifacts."""
    page: str = ""
    """Path below the project's root of the page that was made, for people to open; "" for none."""

    def __str__(self) -> str:
        rate = f" ({self.frames / self.seconds:.0f} frames/s)" if self.result == "computed" and self.frames else ""
        took = f" in {self.seconds:.1f} s{rate}" if self.seconds else ""
        more = f" - {self.error}" if self.error else f", its page is ready: {self.page}" if self.page else ""
        return f"{self.item}: {self.result}{took}{more}"

    @property
    def item(self) -> Item:
        """The item of this outcome."""
        return Item(self.video, self.stage)

    @property
    def is_good(self) -> bool:
        """Whether the artifact exists and is fresh."""
        return self.result in GOOD

    def to_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class Summary:
    """The result of a run."""

    outcomes: tuple[Outcome, ...]
    """One per selected item, sorted by video, then in the order of the stages."""
    seconds: float
    """Wall time of the run, including planning and recording."""
    moved: tuple[str, ...]
    """Files in artifact folders that belong to no video, moved to .semflow/removed."""
    unrecorded: Mapping[str, str]
    """Stages that DVC could not record, and why."""
    index: str
    """Path of the index page of all videos; "" where there is none."""
    notes: tuple[str, ...] = ()
    """Further information for the user, one line each."""
    interrupted: int = 0
    """The signal that interrupted the run; 0 for none."""
    expected_s: float | None = None
    """Expected item seconds of the computed items, from earlier timings; None where some are unknown."""

    @property
    def is_good(self) -> bool:
        """Whether every selected item is fresh."""
        return not self.interrupted and all(outcome.is_good for outcome in self.outcomes)

    @property
    def all_done(self) -> bool:
        """Whether every item is good or has a recorded fault, so that another run would compute nothing."""
        return not self.interrupted and all(outcome.is_good or outcome.recorded for outcome in self.outcomes)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**asdict(self), "good": self.is_good}


@dataclass(frozen=True)
class Step:
    """The progress of an item, reported by its stage."""

    what: str
    """The current activity, e.g. "maps" or "fetching yolo26n.pt"."""
    done: float
    total: float
    remark: str = ""


class Observer(Protocol):
    """Receives the events of a run. The engine's loop calls its methods, which return at once and never raise."""

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """The stale items in the order in which they will be computed, and the expected seconds of each where known."""
        ...

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """A worker (numbered from 0) started the item, for the first time (attempt 1) or again."""
        ...

    def on_progress(self, item: Item, step: Step) -> None:
        """A running item made progress."""
        ...

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """An attempt ended; unless `final`, the item will be retried. Called also for items that never started."""
        ...

    def on_message(self, level: int, message: str) -> None:
        """A line for the user with its `logging` level, e.g. a warning from a worker."""
        ...

    def on_finished(self, summary: Summary) -> None:
        """The run has ended and everything is recorded."""
        ...
