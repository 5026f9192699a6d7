"""Which item is made when: what has all its inputs, the first video's first, a bounded number in hand.

A worker gets an item only when all it reads is there, so no worker ever waits for another, independent stages of one
video overlap, and a failure blocks only what reads it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flows.engine.outcome import Item, Outcome
from flows.engine.plan import ItemState, Plan
from tasks.artifacts.artifact import DATASET_ITEM

DIED_BEFORE = 1_000_000_000
"""Added to the place in line of an item that a worker died over: the others go first."""


@dataclass
class Schedule:
    """The items of a run that are not settled yet."""

    order: Mapping[Item, int]
    reads: Mapping[Item, list[Item]]
    readers: dict[Item, list[Item]] = field(default_factory=dict[Item, list[Item]])
    missing: dict[Item, int] = field(default_factory=dict[Item, int])
    """Item to how many of the items that it reads are not there; gone once it is settled."""
    ready: list[tuple[int, str, Item]] = field(default_factory=list[tuple[int, str, Item]])

    @classmethod
    def from_states(cls, plan: Plan, states: Mapping[Item, ItemState], deaths: Mapping[str, int]) -> Schedule:
        """The stale items among `states`, those last whose key a worker died over."""
        todo = [item for item, state in states.items() if state.status == "stale"]
        late = {item for item in todo if states[item].key in deaths}
        order = {item: n + (DIED_BEFORE if item in late else 0) for n, item in enumerate(todo)}
        reads = {item: [source for source in plan.find_sources(item) if source in order] for item in order}
        schedule = cls(order, reads)
        readers: dict[Item, list[Item]] = defaultdict(list)
        for item, before in reads.items():
            for source in before:
                readers[source].append(item)
            schedule.missing[item] = len(before)
        schedule.readers = dict(readers)
        for item, count in schedule.missing.items():
            if not count:
                schedule.add_ready(item)
        return schedule

    def add_ready(self, item: Item) -> None:
        """Put an item in line: all that it reads is there."""
        heapq.heappush(self.ready, (self.order[item], item.stage, item))

    def pop_ready(self) -> Item:
        """The first in line."""
        return heapq.heappop(self.ready)[2]

    def complete_item(self, outcome: Outcome) -> Iterator[Outcome]:
        """Take the final outcome of an item; gives the outcomes of those that it blocks, each once."""
        item = outcome.item
        self.missing.pop(item, None)
        readers = self.readers.get(item, [])
        if not outcome.is_good:
            # A stage over the dataset goes on without a video whose file is at fault.
            going = [reader for reader in readers if outcome.recorded and reader.video == DATASET_ITEM]
            yield from self._block(outcome, [reader for reader in readers if reader not in going])
            readers = going
        for reader in readers:
            if reader not in self.missing:
                continue  # blocked already by something else it reads
            self.missing[reader] -= 1
            if not self.missing[reader]:
                self.add_ready(reader)

    def _block(self, origin: Outcome, readers: list[Item]) -> Iterator[Outcome]:
        waiting = list(readers)
        while waiting:
            item = waiting.pop()
            if self.missing.pop(item, None) is None:
                continue
            yield Outcome(item.video, item.stage, "blocked", error=f"after {origin.stage}", recorded=origin.recorded)
            waiting += self.readers.get(item, [])
