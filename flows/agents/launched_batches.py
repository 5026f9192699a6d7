"""Launch batches of what can be computed now, and know those that have not ended and the videos to try again."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from flows.agents.claims import make_token
from flows.agents.cut_batches import BatchPart, cut_batches, find_placeable
from flows.agents.device_classes import has_kinds, list_kinds, renew_recomputed
from flows.agents.exchange import Exchange
from flows.agents.launcher import Launcher
from flows.agents.make_batch import make_batch
from flows.agents.open_batch import OpenBatch
from flows.agents.outages import try_call
from flows.agents.results import ResultReader
from flows.agents.run_settings import AgentRunSettings
from flows.engine.item_state import ItemState
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.timings import DurationEstimates
from tasks.errors import SemflowError

MAX_ATTEMPTS = 5
"""Agents that may be given a video before the run gives up on it: dead ones count."""
FAILED_ATTEMPTS = 2
"""Agents on which an item may fail for a reason that is not recorded, before its failure counts."""


@dataclass(frozen=True)
class Launching:
    """What came of a try to launch."""

    renewed: Mapping[Item, ItemState] = field(default_factory=dict[Item, ItemState])
    """New states of items that were up to date, and must be made anew."""
    trouble: str = ""
    """Why nothing can be launched now."""


@dataclass(frozen=True)
class VideoTries:
    """What the run has tried with a video that is not finished."""

    agents: int = 0
    """Agents that it was given to."""
    wait_until: float = 0.0
    """Time (time.monotonic) at which it is tried again, where an agent of another run holds it."""


@dataclass(frozen=True)
class LaunchOutage:
    """A stretch in which nothing can be launched, as the server or the store does not answer."""

    since: float
    """Time (time.monotonic) of the first try."""
    retry_at: float
    """Time (time.monotonic) of the next one."""


@dataclass
class LaunchedBatches:
    """The batches of one run."""

    plan: Plan
    exchange: Exchange
    launcher: Launcher
    settings: AgentRunSettings
    run: str
    """Id of the run."""
    open: dict[str, OpenBatch] = field(default_factory=dict[str, OpenBatch])
    """Those that have not ended."""
    tokens: set[str] = field(default_factory=set[str])
    """Of the videos that were given to agents."""
    _tries: dict[str, VideoTries] = field(default_factory=dict[str, VideoTries])
    """Video to what was tried with it."""
    _renewed: set[str] = field(default_factory=set[str])
    """Videos of which artifacts were forgotten because another class of device made them."""
    _count: int = 0
    _outage: LaunchOutage | None = None
    """None where the last try succeeded."""

    def launch_placeable(
        self, waiting: Mapping[Item, ItemState], renewable: Container[Item], timings: DurationEstimates
    ) -> Launching:
        """Launch what can be computed now of the items `waiting`; where the server or the store does not answer, later.

        Where items must be made anew first, nothing is launched. Raises where nothing could be launched for too long.
        """
        now = time.monotonic()
        by_video = self._find_launchable(waiting, now)
        if not by_video or (self._outage is not None and self._outage.retry_at > now):
            return Launching()
        try:
            agents = self.launcher.count_agents()
            if any(agents.values()) and (renewed := self._renew_homeless(by_video, agents, renewable)):
                return Launching(renewed)
            for part in cut_batches(self.plan, by_video, timings, agents, self.settings.sizes):
                self._launch(part)
            self._outage = None
        except (OSError, SemflowError) as error:
            since = now if self._outage is None else self._outage.since
            if now - since > self.settings.give_up_s:
                raise
            self._outage = LaunchOutage(since, now + 5 * self.settings.poll_s)
            return Launching(trouble=f"no batch can be launched now: {error}")
        return Launching()

    def renew_video(self, video: str, items: Iterable[Item], renewable: Container[Item]) -> dict[Item, ItemState]:
        """Forget what `items` of the video read, is not kept, and was made on another class of device, once in a run;
        gives new states, of this and of all that reads it."""
        if video in self._renewed:
            return {}
        self._renewed.add(video)
        return renew_recomputed(self.plan, [item for item in items if item.video == video], renewable)

    def is_waiting(self) -> bool:
        """Whether something is to be launched later."""
        return self._outage is not None or any(one.wait_until > time.monotonic() for one in self._tries.values())

    def has_failed_often(self, video: str) -> bool:
        """Whether enough agents have tried the video for a failure to count."""
        return self._find_tries(video).agents >= FAILED_ATTEMPTS

    def delay_video(self, video: str, seconds: float) -> None:
        """Nobody tried the video in its batch; launch it after `seconds`."""
        before = self._find_tries(video)
        until = time.monotonic() + seconds if seconds else before.wait_until
        self._tries[video] = VideoTries(max(before.agents - 1, 0), until)

    def close_batch(self, batch_id: str, outcomes: Container[Item]) -> OpenBatch:
        """Take the batch out of the open ones; its unfinished videos may go into another."""
        batch = self.open.pop(batch_id)
        for video in batch.part.videos:
            if all(item in outcomes for item in batch.part.items if item.video == video):
                self._tries[video] = replace(self._find_tries(video), agents=0)
        return batch

    def cancel_all(self) -> None:
        """Stop all open batches, or take them back."""
        for batch in self.open.values():
            try_call(partial(self.launcher.cancel_run, batch.run))

    def _renew_homeless(
        self, by_video: Mapping[str, Sequence[Item]], agents: Mapping[str, int], renewable: Container[Item]
    ) -> dict[Item, ItemState]:
        """Forget artifacts that are computed again, and were made on a kind of device that no agent has."""
        states: dict[Item, ItemState] = {}
        for video, items in by_video.items():
            if not has_kinds(list_kinds(self.plan, items), agents):
                states |= self.renew_video(video, items, renewable)
        return states

    def _find_launchable(self, waiting: Mapping[Item, ItemState], now: float) -> dict[str, list[Item]]:
        """Video to the items that can be computed now, of videos that are in no batch and were not tried too often."""
        busy = {video for batch in self.open.values() for video in batch.part.videos}
        found = {video: items for video, items in find_placeable(self.plan, waiting).items() if video not in busy}
        tries = {video: self._find_tries(video) for video in found}
        return {
            video: items
            for video, items in found.items()
            if tries[video].agents < MAX_ATTEMPTS and tries[video].wait_until <= now
        }

    def _find_tries(self, video: str) -> VideoTries:
        return self._tries.get(video, VideoTries())

    def _launch(self, part: BatchPart) -> None:
        self._count += 1
        batch_id = f"{self.run}-{self._count:04d}"
        batch = make_batch(self.plan, part, batch_id, self.exchange)
        self.tokens |= {make_token(video.relative, video.md5) for video in batch.videos}
        run = self.launcher.launch_batch(batch)
        self.open[batch_id] = OpenBatch(part, run, ResultReader(self.exchange.documents, batch_id), time.monotonic())
        for video in part.videos:
            before = self._find_tries(video)
            self._tries[video] = replace(before, agents=before.agents + 1)
