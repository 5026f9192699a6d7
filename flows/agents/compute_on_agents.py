"""Compute the stale items of a run on agents; the engine calls this in place of its own workers (ComputeItems).

The loop cuts what can be computed now into batches, launches them, reads results as they come, and accepts them one by
one. Videos of a batch that ended early go into another. Items over the whole data set (axes, training) are computed
here, once everything that they read is there.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from flows.agents.accept_results import ResultAcceptor
from flows.agents.batch import remove_batch
from flows.agents.batches_file import write_batches
from flows.agents.claims import BEAT_S, Heartbeat
from flows.agents.cut_batches import find_dataset_items
from flows.agents.ended_claims import remove_ended_beats, remove_ended_claims
from flows.agents.exchange import Exchange
from flows.agents.launched_batches import LaunchedBatches
from flows.agents.launcher import Launcher
from flows.agents.leftover_batches import coordinator_name, find_leftovers
from flows.agents.missing_results import describe_result, examine_waiting, explain_missing
from flows.agents.outages import PatientDocuments, call_patiently, try_call
from flows.agents.pending_results import PendingResults
from flows.agents.results import BatchEnd, ResultReader
from flows.agents.run_settings import AgentRunSettings
from flows.engine.dropped_artifacts import add_items_to_restore
from flows.engine.interrupt import Interrupted, SignalState
from flows.engine.item_state import NOT_KEPT, ONLY_IN_REMOTE, UP_TO_DATE, ItemState, make_outcome
from flows.engine.outcome import Item, Observer, Outcome
from flows.engine.plan import Plan
from flows.engine.timings import DurationEstimates
from flows.overview.index_store import PREFIX
from tasks.errors import SemflowError

log = logging.getLogger("semflow")
TIDY_RETRY_S = (1.0, 5.0, 20.0)
"""Seconds between tries to remove what the run leaves in the exchange, while that does not answer."""


@dataclass
class AgentRun:
    """One run on agents."""

    plan: Plan
    states: dict[Item, ItemState]
    outcomes: dict[Item, Outcome]
    exchange: Exchange
    launcher: Launcher
    settings: AgentRunSettings
    observers: Sequence[Observer]
    compute_here: Callable[[dict[Item, ItemState]], None]
    """Computes items on this machine, in the engine's own way."""
    stopped: Callable[[], bool]
    signals: SignalState
    id: str = field(default_factory=lambda: f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}")
    expected_s: dict[Item, float] = field(default_factory=dict[Item, float])
    received: int = 0
    sent: int = 0
    """Bytes that agents fetched and pushed."""
    _holders: set[str] = field(default_factory=set[str])
    """Heartbeats of the agents whose batches have ended."""
    _dead: set[str] = field(default_factory=set[str])
    """Those of them that gave no sign of life."""
    _not_removed: list[str] = field(default_factory=list[str])
    """Batches that have ended while the store did not answer, so that their documents are still there."""
    _errors: dict[str, str] = field(default_factory=dict[str, str])
    """Video to the last reason for which an agent did not finish it."""

    def __post_init__(self) -> None:
        self._batches = LaunchedBatches(self.plan, self.exchange, self.launcher, self.settings, self.id)
        self._pending = PendingResults(ResultAcceptor(self.plan, self.exchange))

    def run(self) -> None:
        """Work until every stale item has an outcome; raises SemflowError where there is no agent at all."""
        timings = DurationEstimates.from_state(self.plan.project.state)
        self._leave_absent()
        order = [item for item, state in self.states.items() if state.status == "stale"]
        self.expected_s = timings.estimate_items(order)
        agents = self.launcher.count_agents()
        if order and not any(agents.values()):
            raise SemflowError(
                "at least one agent must be at work to process on agents, got none; start one with `semflow agent` in "
                "a clone (docs/agents.md), or run without agents"
            )
        self._notify(lambda observer: observer.on_planned(order, self.expected_s, sum(agents.values())))
        with Heartbeat(self.exchange.documents, coordinator_name(self.id), BEAT_S):
            try:
                call_patiently(self._adopt_leftovers, sleep=self._pause)
                self._work(timings)
            except Interrupted:
                self._batches.cancel_all()
                raise
            if self.stopped():
                self._batches.cancel_all()
            else:
                self._finish_rest()
        self._tidy_exchange()

    def _work(self, timings: DurationEstimates) -> None:
        """Launch, wait and collect until nothing is left that an agent, or this machine, could compute."""
        while not self.stopped():
            self._launch_placeable(timings)
            if not self._batches.open and not self._batches.is_waiting() and not self._compute_dataset_items():
                return
            if self._batches.open or self._batches.is_waiting():
                self._pause(self.settings.poll_s)
                with self.signals.defer_raising():
                    self._collect()

    def _adopt_leftovers(self) -> None:
        """Accept what agents handed in for a run that was killed, instead of computing it again."""
        for reader in find_leftovers(self.exchange.documents, self.settings.lease_s, self._pause):
            found = reader.read_new()
            self._pending.add(found.items)
            self._accept_pending()
            self.plan.project.state.save_memos(PREFIX, found.entries)
            remove_batch(self.exchange.documents, reader.batch)
            reader.remove()

    def _leave_absent(self) -> None:
        """Items that are up to date and whose bytes are not here are not fetched: agents get what they need."""
        for item, state in self.states.items():
            if state.reason in (NOT_KEPT, ONLY_IN_REMOTE):
                found = self.plan.examine_item(self.plan.project.by_name[item.stage], item.video)
                self.plan.set_state(found)
                self.states[item] = found
                self._finish(make_outcome(found))

    def _launch_placeable(self, timings: DurationEstimates) -> None:
        """Launch batches of what can be computed now."""
        for state in examine_waiting(self.plan, [item for item in self.states if item not in self.outcomes]):
            self._finish(make_outcome(state))
        found = self._batches.launch_placeable(self._list_waiting(), self.states, timings)
        if found.renewed:
            self._reopen(found.renewed)
            found = self._batches.launch_placeable(self._list_waiting(), self.states, timings)
        if found.trouble:
            self._notify(lambda observer: observer.on_message(logging.WARNING, found.trouble))

    def _list_waiting(self) -> dict[Item, ItemState]:
        return {item: self.plan.states[item] for item in self.states if item not in self.outcomes}

    def _reopen(self, states: Mapping[Item, ItemState]) -> None:
        """Items that were up to date are to be computed after all."""
        for state in states.values():
            if state.item in self.outcomes:
                text = f"{state.item} is made anew: {state.reason}"
                self._notify(lambda observer, text=text: observer.on_message(logging.INFO, text))
        self.states.update(states)
        for item in states:
            self.outcomes.pop(item, None)

    def _compute_dataset_items(self) -> bool:
        """Compute items over the data set that are ready, on this machine; whether there were any."""
        ready = find_dataset_items(self.plan, [item for item in self.states if item not in self.outcomes])
        for state in ready.values():
            self.plan.set_state(state)
        stale = {item: state for item, state in ready.items() if state.status == "stale"}
        if stale:
            self.compute_here(add_items_to_restore(self.plan, stale, pull=False))
        for item, state in ready.items():
            if item not in stale:
                self._finish(make_outcome(state))
        return bool(ready)

    def _pause(self, seconds: float) -> None:
        """Sleep, but not longer than the run goes on."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stopped():
            time.sleep(min(0.2, left))

    def _collect(self) -> None:
        """Read and accept what has come, and see to batches that have ended."""
        batches = self._batches.open
        runs = try_call(lambda: self.launcher.read_runs([batch.run for batch in batches.values()]))  # first of all
        living: dict[str, list[str]] = {}
        for batch_id, batch in batches.items():
            found = try_call(batch.reader.read_new)
            if found is not None:
                self._pending.add(found.items)
                self.plan.project.state.save_memos(PREFIX, found.entries)
                agents = try_call(partial(batch.find_living, self.settings.lease_s))
                living |= {} if agents is None else {batch_id: agents}
        try_call(self._accept_pending)
        lines = [batch.describe(living.get(batch_id, ()), self.outcomes) for batch_id, batch in batches.items()]
        write_batches(self.plan.project.root, lines)
        for batch_id in [] if runs is None else [batch_id for batch_id, agents in living.items() if not agents]:
            batch = batches[batch_id]
            if batch.reader.ends:
                self._close(batch_id, list(batch.reader.ends.values()))
            elif error := batch.find_trouble(
                (runs or {}).get(batch.run), self.settings.lease_s, self.settings.start_timeout_s
            ):
                try_call(partial(self.launcher.cancel_run, batch.run))
                self._dead |= set(batch.reader.starts)
                self._close(batch_id, [BatchEnd("", error=error)])

    def _accept_pending(self) -> None:
        """Decide on what agents have handed in."""
        for result, verdict, reason in self._pending.decide():
            video = result.item.video
            if verdict == "accepted":
                outcome = describe_result(result)
                if outcome.result == "failed":  # in this run: it is news, unlike a fault that was on record before
                    self._notify(lambda observer, item=outcome.item: observer.on_started(item, 0, 1))
                self._finish(outcome)
            elif verdict == "failed":
                self._errors[video] = f"{result.item.stage} on {result.agent}: {reason}"
                if self._batches.has_failed_often(video):
                    self._finish(result.outcome)
            elif verdict == "refused":
                self._errors[video] = reason
                self._notify(lambda observer, reason=reason: observer.on_message(logging.WARNING, f"refused: {reason}"))
                is_known = self.plan.states[result.item].status in UP_TO_DATE
                if self._batches.has_failed_often(video) and not is_known:
                    self._finish(Outcome(video, result.item.stage, "failed", error=reason))

    def _close(self, batch_id: str, ends: Sequence[BatchEnd]) -> None:
        """The batch is over; its unfinished videos may go into another."""
        batch = self._batches.close_batch(batch_id, self.outcomes)
        self._holders |= set(batch.reader.starts)
        for end in ends:
            self.received += end.received
            self.sent += end.sent
            if end.error:
                who = f" on {end.agent}" if end.agent else ""
                message = f"batch {batch_id}{who} ended early: {end.error}"
                self._notify(lambda observer, text=message: observer.on_message(logging.WARNING, text))
                self._errors |= dict.fromkeys(batch.part.videos, end.error)
            for video, agent in end.held.items():
                self._errors[video] = f"{agent} holds its claim"
                if any(item not in self.outcomes for item in batch.part.items if item.video == video):
                    self._batches.delay_video(video, self.settings.lease_s)
            for video, reason in end.other_device.items():
                self._errors[video] = f"{reason} ({end.agent})"
                renewed = self._batches.renew_video(video, batch.part.items, self.states)
                if renewed:
                    self._reopen(renewed)
                    self._batches.delay_video(video, 0.0)
        try:
            remove_batch(self.exchange.documents, batch_id)
            batch.reader.remove()
        except (OSError, SemflowError) as error:
            log.debug("%s stays until the end of the run: %s", batch_id, error)
            self._not_removed.append(batch_id)

    def _finish_rest(self) -> None:
        """Outcomes of the items that nobody computed."""
        for item in list(self.states):
            if item not in self.outcomes:
                self._finish(explain_missing(self.plan, item, self.outcomes.values(), self._errors.get(item.video, "")))

    def _tidy_exchange(self) -> None:
        documents = PatientDocuments(self.exchange.documents, TIDY_RETRY_S)
        try:
            for batch_id in self._not_removed:
                remove_batch(documents, batch_id)
                ResultReader(documents, batch_id).remove()
            ended = remove_ended_claims(documents, self._batches.tokens, self._dead)
            remove_ended_beats(documents, {coordinator_name(self.id), *self._holders, *ended}, self._dead, self._pause)
        except (OSError, SemflowError) as error:
            log.debug("documents of this run stay: %s", error)

    def _finish(self, outcome: Outcome) -> None:
        if outcome.item in self.outcomes:
            return
        self.outcomes[outcome.item] = outcome
        self._notify(lambda observer: observer.on_ended(outcome, True))

    def _notify(self, call: Callable[[Observer], None]) -> None:
        for observer in self.observers:
            call(observer)
