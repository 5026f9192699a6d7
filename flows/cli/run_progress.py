"""Progress of a run: number of items by result, and an estimate of the time left.

The expected time of an item is the plan's estimate (from earlier runs) times the ratio of actual to estimated time of
its stage in this run; without an estimate it is the mean of its stage in this run. The sum is divided by the workers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flows.cli.text_formatting import format_duration
from flows.engine.outcome import GOOD, Item, Outcome

PRIOR_ITEMS = 2
"""Weight, in items, of the plan's estimate when it is averaged with the times of this run."""


@dataclass
class _Stage:
    """Sums over the items of one stage."""

    expected: int = 0
    """Number of items with an estimate in the plan; next, the sum of the estimates."""
    expected_s: float = 0.0
    left_s: float = 0.0
    """Sum of the estimates of items that have not ended."""
    unknown_left: int = 0
    """Number of items without estimate that have not ended."""
    made: int = 0
    """Number of items computed in this run; next, their total seconds, and actual and estimated seconds of those with
    an estimate."""
    made_s: float = 0.0
    compared_s: float = 0.0
    compared_expected_s: float = 0.0

    @property
    def factor(self) -> float:
        """Ratio of the actual time in this run to the plan's estimate."""
        prior = PRIOR_ITEMS * self.expected_s / self.expected if self.expected else 0.0
        whole = prior + self.compared_expected_s
        return (prior + self.compared_s) / whole if whole else 1.0

    @property
    def mean_s(self) -> float | None:
        """Expected seconds of an item without estimate; None where unknown."""
        if self.made:
            return self.made_s / self.made
        return self.factor * self.expected_s / self.expected if self.expected else None


@dataclass(frozen=True)
class TimeLeft:
    """An estimate of the remaining time of a run."""

    seconds: float
    at_least: bool
    """Whether items without any estimate are left, which are not included."""

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'about'} {format_duration(self.seconds)} left"


@dataclass
class RunProgress:
    """Counts the items of a run; `record_outcome` is called for each end."""

    total: int = 0
    workers: int = 1
    results: Counter[str] = field(default_factory=Counter[str])
    pages: int = 0
    """Number of items that made a page."""
    _left: dict[Item, float | None] = field(default_factory=dict[Item, float | None])
    _stages: dict[str, _Stage] = field(default_factory=dict[str, _Stage])

    @classmethod
    def from_plan(cls, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> RunProgress:
        """The progress of a run of the stale `items` of a plan."""
        progress = cls(len(items), max(workers, 1))
        for item in items:
            progress._add(item, expected_s.get(item))
        return progress

    def _add(self, item: Item, expected_s: float | None) -> None:
        self._left[item] = expected_s
        stage = self._stages.setdefault(item.stage, _Stage())
        if expected_s is None:
            stage.unknown_left += 1
        else:
            stage.expected += 1
            stage.expected_s += expected_s
            stage.left_s += expected_s

    @property
    def done(self) -> int:
        """Number of items that have ended with any result."""
        return self.results.total()

    @property
    def worked(self) -> int:
        """Number of ended items that had been started, from which the rate follows."""
        return self.done - self.results["blocked"] - self.results["stopped"]

    def record_outcome(self, outcome: Outcome) -> None:
        """Count an item's final outcome."""
        self.results[outcome.result] += 1
        self.pages += bool(outcome.page)
        if outcome.item not in self._left:  # an item that was not in the plan
            self.total = max(self.total, self.done)
            return
        expected_s = self._left.pop(outcome.item)
        stage = self._stages[outcome.stage]
        if expected_s is None:
            stage.unknown_left -= 1
        else:
            stage.left_s -= expected_s
        if outcome.result in GOOD:
            stage.made += 1
            stage.made_s += outcome.seconds
            if expected_s is not None:
                stage.compared_s += outcome.seconds
                stage.compared_expected_s += expected_s

    def is_first_page(self, outcome: Outcome) -> bool:
        """Whether the item just recorded made the first page of the run, which is announced however large the run."""
        return bool(outcome.page) and self.pages == 1

    def time_left(self, in_hand: Mapping[Item, float]) -> TimeLeft | None:
        """The estimate, given the running items (`in_hand`) with their elapsed seconds; None without any estimate."""
        known, unknown, seconds = 0, 0, 0.0
        for stage in self._stages.values():
            seconds += stage.factor * max(stage.left_s, 0.0)
            known += stage.left_s > 0
            if stage.unknown_left and stage.mean_s is not None:
                seconds += stage.unknown_left * stage.mean_s
                known += 1
            elif stage.unknown_left:
                unknown += 1
        if not known:
            return None
        longest = 0.0
        for item, taken in in_hand.items():
            estimate = self._estimate(item)
            if estimate is not None:
                seconds -= min(taken, estimate)
                longest = max(longest, estimate - taken)
        sharing = max(min(self.workers, len(self._left)), 1)
        return TimeLeft(max(seconds / sharing, longest, 0.0), at_least=unknown > 0)

    def _estimate(self, item: Item) -> float | None:
        if item not in self._left:
            return None
        stage, expected_s = self._stages[item.stage], self._left[item]
        return stage.mean_s if expected_s is None else stage.factor * expected_s
