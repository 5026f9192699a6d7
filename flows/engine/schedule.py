"""The order in which items are computed: video after video, each with all that its items read before the next one.

Of the items whose inputs are ready the first in this order is started, so that the pages of the first videos can be
read while the others are computed. An item is started only when everything it reads is available: no worker waits for
another, nor is idle while an item of any video is ready, and a failure blocks only the items that depend on it.

Not graphlib.TopologicalSorter: it gives ready items in no order and knows only done. Here ready items have priorities,
a failed item blocks its readers (though a stage over the dataset may go on without it), and each is reported once.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flows.engine.item_state import ItemState
from flows.engine.outcome import Item, Outcome
from flows.engine.plan import Plan
from tasks.artifacts.artifact import DATASET_ITEM

DIED_BEFORE = 1_000_000_000
"""Added to the queue position of an item whose worker died in an earlier attempt: the others are computed first."""


@dataclass
class Schedule:
    """The items of a run that have no final outcome yet."""

    order: Mapping[Item, int]
    reads: Mapping[Item, list[Item]]
    readers: dict[Item, list[Item]] = field(default_factory=dict[Item, list[Item]])
    missing: dict[Item, int] = field(default_factory=dict[Item, int])
    """Item to the number of its input items that are not ready; removed once the item has its final outcome."""
    ready: list[tuple[int, str, Item]] = field(default_factory=list[tuple[int, str, Item]])

    @classmethod
    def from_states(cls, plan: Plan, states: Mapping[Item, ItemState], deaths: Mapping[str, int]) -> Schedule:
        """A schedule of the stale items among `states`; items with worker deaths recorded for their key come last."""
        todo = [item for item, state in states.items() if state.status == "stale"]
        late = {item for item in todo if states[item].key in deaths}
        stale = set(todo)
        reads = {item: [source for source in plan.find_sources(item) if source in stale] for item in todo}
        places = enumerate(order_by_need(todo, reads))
        order = {item: n + (DIED_BEFORE if item in late else 0) for n, item in places}
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
        """Queue an item whose inputs are all ready."""
        heapq.heappush(self.ready, (self.order[item], item.stage, item))

    def pop_ready(self) -> Item:
        """Remove and return the first queued item."""
        return heapq.heappop(self.ready)[2]

    def await_again(self, item: Item, sources: Sequence[Item]) -> None:
        """Queue `sources`, which had their outcome, once more, and `item`, which was ready, after them."""
        self.missing[item] = len(sources)
        for source in sources:
            if source in self.missing:
                self.readers[source].append(item)
            else:
                self.missing[source], self.readers[source] = 0, [item]
                self.add_ready(source)

    def complete_item(self, outcome: Outcome) -> Iterator[Outcome]:
        """Record the final outcome of an item; yields the outcomes of the items that its failure blocks, each once."""
        item = outcome.item
        self.missing.pop(item, None)
        readers = self.readers.get(item, [])
        if not outcome.is_good:
            # A stage over the dataset continues without a video whose file is invalid.
            going = [reader for reader in readers if outcome.recorded and reader.video == DATASET_ITEM]
            yield from self._block(outcome, [reader for reader in readers if reader not in going])
            readers = going
        for reader in readers:
            if reader not in self.missing:
                continue  # already blocked by another input
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


def order_by_need(items: Iterable[Item], reads: Mapping[Item, Sequence[Item]]) -> list[Item]:
    """`items` in their order, but what an item reads directly before it, unless it came earlier.

    So items over the dataset (axes, training) come with the first video that needs them, with what they read.
    """
    placed: dict[Item, None] = {}

    def place(item: Item) -> None:
        if item not in placed:
            for source in reads[item]:
                place(source)
            placed[item] = None

    for item in items:
        place(item)
    return list(placed)
