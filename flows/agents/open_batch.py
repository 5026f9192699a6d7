"""A batch that was launched and has not ended: who works on it, and whether something is to be expected of it."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from flows.agents.batches_file import BatchLine
from flows.agents.beat_watch import BeatWatch
from flows.agents.claims import BEATS, STOPPED
from flows.agents.cut_batches import BatchPart
from flows.agents.launcher import BatchRun
from flows.agents.results import ResultReader
from flows.engine.outcome import Item

LOST_S = 120.0
"""Seconds for which a launched batch may be unknown to the launcher, before it is launched again."""


@dataclass
class OpenBatch:
    """A launched batch."""

    part: BatchPart
    run: str
    """Id of its run at the launcher."""
    reader: ResultReader
    launched: float
    """When (time.monotonic)."""
    since: float = field(default_factory=time.time)
    _unknown_since: float = 0.0
    _watches: dict[str, BeatWatch] = field(default_factory=dict[str, BeatWatch])
    """Holder to what is known of its heartbeat."""
    _stopped: set[str] = field(default_factory=set[str])
    """Holders whose heartbeat was stopped when it was last looked at."""

    def find_living(self, lease_s: float) -> list[str]:
        """The agents that work on the batch: they have taken it, have not ended, and send heartbeats.

        An agent writes its end before it stops its heartbeat, and both may happen after the results were read: an agent
        whose heartbeat is found stopped for the first time counts, since its end is read before the next look.
        """
        found: list[str] = []
        for holder, start in self.reader.starts.items():
            if holder in self.reader.ends:
                continue
            beat = self.reader.documents.read_document(f"{BEATS}/{holder}")
            watch = self._watches.setdefault(holder, BeatWatch(lease_s))
            watch.look(beat, time.monotonic())
            if not (holder in self._stopped if beat == STOPPED else watch.is_silent):
                found.append(start.agent)
            if beat == STOPPED:
                self._stopped.add(holder)
        return found

    def describe(self, agents: Sequence[str], outcomes: Container[Item]) -> BatchLine:
        """What `semflow status` shows; `agents`: those that work on it, `outcomes`: the items that are done."""
        return BatchLine(
            id=self.reader.batch,
            needs=self.part.needs,
            agents=tuple(agents),
            since=self.since,
            videos=len(self.part.videos),
            done=sum(item in outcomes for item in self.part.items),
            items=len(self.part.items),
        )

    def find_trouble(self, run: BatchRun | None, lease_s: float, start_timeout_s: float) -> str:
        """Why nothing more is to be expected, where no agent that lives works on it; "" where one may still take it."""
        now = time.monotonic()
        if run is None:
            self._unknown_since = self._unknown_since or now
            return "its run is not known any more" if now - self._unknown_since > LOST_S else ""
        self._unknown_since = 0.0
        if run.status == "ended":
            return run.message or "its run ended without a result"
        if self.reader.starts:
            agents = ", ".join(start.agent for start in self.reader.starts.values())
            if self._stopped >= set(self.reader.starts):
                return f"its agent {agents} stopped without a word of how it ended"
            return f"its agent {agents} has given no sign of life for {lease_s:.0f} s"
        if now - self.launched > start_timeout_s:
            return f"no agent took it within {start_timeout_s:.0f} s; start one with `semflow agent`"
        return ""
