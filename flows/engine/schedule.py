"""Which item runs when: what has all its inputs, the first video's first, a bounded number in hand.

An item is handed to `submit` only when all it reads is there, so no worker ever waits for another, independent stages
of one video overlap, and a failure blocks only what reads it.
"""

from __future__ import annotations

import heapq
import queue
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from flows.engine.item import Outcome
from flows.engine.plan import Item, State, sources
from flows.engine.project import Project
from tasks.artifacts.artifact import ALL


class Future(Protocol):
    """What Prefect's futures and those of concurrent.futures share."""

    def result(self) -> Any:
        """The Outcome, or the error raised."""
        ...

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None:
        """Call `fn` when done, at once if it is already."""
        ...


Submit = Callable[[Item, list[Any]], Future]
"""Start an item, given the futures of the items it reads from that ran before it."""


def schedule(project: Project, states: Mapping[Item, State], submit: Submit, workers: int) -> Iterator[Outcome]:
    """Run what is stale in `states`, at most `workers` at once, and give an Outcome per stale item as it ends."""
    order = {item: n for n, item in enumerate(states) if states[item].standing == "stale"}
    reads = {item: [source for source in sources(project, item) if source in order] for item in order}
    readers: dict[Item, list[Item]] = defaultdict(list)
    for item, before in reads.items():
        for source in before:
            readers[source].append(item)
    missing = {item: len(before) for item, before in reads.items()}
    ready = [(n, item.stage, item) for item, n in order.items() if not missing[item]]
    heapq.heapify(ready)
    futures: dict[Item, Future] = {}
    ended: queue.SimpleQueue[Item] = queue.SimpleQueue()
    running = 0
    while ready or running:
        while ready and running < workers:
            item = heapq.heappop(ready)[2]
            futures[item] = submit(item, [futures[source] for source in reads[item]])
            futures[item].add_done_callback(lambda _, item=item: ended.put(item))
            running += 1
        item = ended.get()
        running -= 1
        outcome = _outcome(item, futures[item])
        yield outcome
        if not outcome.good:
            # A stage over the dataset goes on without a video whose file is at fault.
            over = [reader for reader in readers[item] if outcome.recorded and reader.video == ALL]
            readers[item] = [reader for reader in readers[item] if reader not in over]
            yield from _block(outcome, item, readers, missing)
            readers[item] = over
        for reader in readers[item]:
            if reader not in missing:
                continue  # blocked already by something else it reads
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, (order[reader], reader.stage, reader))


def _outcome(item: Item, future: Future) -> Outcome:
    try:
        return future.result()
    except Exception as error:
        return Outcome(item.video, item.stage, "failed", error=f"{type(error).__name__}: {error}")


def _block(
    origin: Outcome, item: Item, readers: Mapping[Item, list[Item]], missing: dict[Item, int]
) -> Iterator[Outcome]:
    """Settle everything that reads `item`, directly or not, each once."""
    for reader in readers[item]:
        if missing.pop(reader, None) is not None:
            why = f"after {origin.stage}"
            yield Outcome(reader.video, reader.stage, "blocked", error=why, recorded=origin.recorded)
            yield from _block(origin, reader, readers, missing)
