"""Estimate how long items will take, from how long they took on this machine before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from flows.engine.outcome import Item
from flows.engine.state import State

MIN_LIMIT_S = 1800.0
LIMIT_FACTOR = 30.0
"""An item is killed after LIMIT_FACTOR times its expected time, and not before MIN_LIMIT_S seconds."""


@dataclass(frozen=True)
class DurationEstimates:
    """Seconds by item, and by stage per frame and per item (means)."""

    by_item: dict[Item, float] = field(default_factory=dict[Item, float])
    per_frame: dict[str, float] = field(default_factory=dict[str, float])
    per_item: dict[str, float] = field(default_factory=dict[str, float])
    frames: dict[str, int] = field(default_factory=dict[str, int])
    """Video to its number of frames."""

    @classmethod
    def from_state(cls, state: State) -> DurationEstimates:
        """Estimates from the timings in the state."""
        timings = cls()
        seconds: dict[str, float] = defaultdict(float)
        framed: dict[str, float] = defaultdict(float)
        counts: dict[str, int] = defaultdict(int)
        frames: dict[str, int] = defaultdict(int)
        for stage, video, took, count in state.read_timings():
            timings.by_item[Item(video, stage)] = took
            seconds[stage] += took
            counts[stage] += 1
            if count:
                timings.frames[video] = count
                framed[stage] += took
                frames[stage] += count
        timings.per_item.update({stage: seconds[stage] / counts[stage] for stage in seconds})
        timings.per_frame.update({stage: framed[stage] / frames[stage] for stage in frames if frames[stage]})
        return timings

    def estimate_item(self, item: Item) -> float | None:
        """Expected seconds of the item; None where its stage never ran here."""
        if item in self.by_item:
            return self.by_item[item]
        if item.video in self.frames and item.stage in self.per_frame:
            return self.per_frame[item.stage] * self.frames[item.video]
        return self.per_item.get(item.stage)

    def estimate_items(self, items: Iterable[Item]) -> dict[Item, float]:
        """Item to expected seconds, for items with an estimate."""
        return {item: seconds for item in items if (seconds := self.estimate_item(item)) is not None}

    def choose_limit(self, item: Item, limit_s: float) -> float:
        """Seconds after which the item is killed: `limit_s` if it is not 0, else a multiple of the expected time."""
        return limit_s or max(MIN_LIMIT_S, LIMIT_FACTOR * (self.estimate_item(item) or 0.0))
