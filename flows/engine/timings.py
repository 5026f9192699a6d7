"""Estimate how long items will take, from how long they took on this machine before.

A stage that never ran here is expected to take what it took elsewhere (default_costs.py), where the film's length is
known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from flows.engine.default_costs import estimate_default_seconds
from flows.engine.film_lengths import read_film_lengths
from flows.engine.outcome import Item
from flows.engine.state import State
from tasks.decode.film_length import FilmLength

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
    lengths: dict[str, FilmLength] = field(default_factory=dict[str, FilmLength])
    """Video to its length by the header of its file."""

    @classmethod
    def from_state(cls, state: State) -> DurationEstimates:
        """Estimates from the timings in the state."""
        timings = cls(lengths=read_film_lengths(state))
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

    def count_frames(self, video: str) -> int:
        """Frames of the video as decoded here, or by its header; 0 where unknown."""
        if video in self.frames:
            return self.frames[video]
        return self.lengths[video].frames if video in self.lengths else 0

    def estimate_item(self, item: Item) -> float | None:
        """Expected seconds of the item; None where its stage never ran here, and nothing is known of it or the film."""
        if item in self.by_item:
            return self.by_item[item]
        frames = self.count_frames(item.video)
        if frames and item.stage in self.per_frame:
            return self.per_frame[item.stage] * frames
        if item.stage in self.per_item:
            return self.per_item[item.stage]
        return estimate_default_seconds(item, frames, self.lengths.get(item.video))

    def is_from_elsewhere(self, item: Item) -> bool:
        """Whether the estimate of an item does not come from this machine, as its stage never ran here."""
        return item.stage not in self.per_item

    def estimate_items(self, items: Iterable[Item]) -> dict[Item, float]:
        """Item to expected seconds, for items with an estimate."""
        return {item: seconds for item in items if (seconds := self.estimate_item(item)) is not None}

    def choose_limit(self, item: Item, limit_s: float) -> float:
        """Seconds after which the item is killed: `limit_s` if it is not 0, else a multiple of the expected time."""
        return limit_s or max(MIN_LIMIT_S, LIMIT_FACTOR * (self.estimate_item(item) or 0.0))
