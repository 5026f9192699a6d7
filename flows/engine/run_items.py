"""Compute stale items: give items to workers when they are ready, handle the results, write the recipes."""

from __future__ import annotations

import heapq
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.device_memory import has_device_room, save_device_memory
from flows.engine.file_marks import read_mark
from flows.engine.interrupt import SignalState
from flows.engine.item_jobs import find_result_method, has_local_outputs, make_job
from flows.engine.item_state import NOT_KEPT, ONLY_IN_REMOTE, ItemState, make_outcome
from flows.engine.job import JobResult
from flows.engine.outcome import Item, Observer, Outcome
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.recipe import Outputs, Recipe
from flows.engine.recorded_fault import record_fault
from flows.engine.recorded_results import RecordedResults
from flows.engine.schedule import Schedule
from flows.engine.state import STATE_FOLDER
from flows.engine.timings import DurationEstimates
from flows.engine.workers import ItemProgress, JobEnded, WorkerDied, WorkerEvent, WorkerLog, Workers

RETRY_DELAYS_S = (1.0, 10.0)
"""Seconds to wait before the second and third attempt after a transient error: a full disk, a busy accelerator."""
MAX_DEATHS = 2
"""Number of worker deaths after which an item is put aside until its input, code or parameters change."""
WORKER_START_S = 2.0
"""Processor time in which a worker imports the stages and what they need: items that are done sooner wait for one that
is there."""
POLL_S = 0.5
PAGE = "index.html"
"""Name of the file that people open, in an artifact that is a folder for them."""
log = logging.getLogger("semflow")


@dataclass
class ItemRunner:
    """Computes the stale items of a run."""

    plan: Plan
    states: Mapping[Item, ItemState]
    workers: Workers
    observers: Sequence[Observer]
    timings: DurationEstimates
    signals: SignalState = field(default_factory=SignalState)
    """Signals of the run, deferred while an event is handled, so that no result is handled halfway."""
    limit_s: float = 0.0
    stopped: Callable[[], bool] = lambda: False
    restores_only: bool = False
    """Whether only items are handled whose outputs are in DVC's cache; others, and what waits for them, are left."""
    expected_s: dict[Item, float] = field(default_factory=dict[Item, float])
    """Item to its expected seconds, where something is known."""
    outcomes: dict[Item, Outcome] = field(default_factory=dict[Item, Outcome])
    in_hand: dict[Item, tuple[ItemState, int]] = field(default_factory=dict[Item, tuple[ItemState, int]])
    """Item that a worker is computing, to the state it was started with and the number of the attempt."""
    waiting: list[tuple[float, Item, int]] = field(default_factory=list[tuple[float, Item, int]])
    """Heap of items to retry: time (monotonic seconds), item, number of the attempt."""
    held: dict[Item, Outcome] = field(default_factory=dict[Item, Outcome])
    """Outcomes of items that proved up to date and are not kept; told at the end, as a reader may need them again."""
    again: set[Item] = field(default_factory=set[Item])
    """Such items that a reader needs again."""

    def run(self) -> None:
        """Run until every stale item of `states` has an outcome, or the run is stopped."""
        self.schedule = Schedule.from_states(self.plan, self.states, self.plan.project.state.read_deaths())
        self.past = RecordedResults.load_items(self.plan.project, self.schedule.order)
        order = sorted(self.schedule.order, key=self.schedule.order.__getitem__)
        self.expected_s = self.timings.estimate_items(order)
        self._notify(lambda observer: observer.on_planned(order, self.expected_s, self.workers.size))
        while (self.schedule.ready or self.in_hand or self.waiting) and not self.stopped():
            self._start_ready()
            if self.in_hand or self.waiting:
                for event in self.workers.wait_events(POLL_S):
                    with self.signals.defer_raising():
                        self._handle_event(event)
        for outcome in self.held.values():
            self._notify(lambda observer, outcome=outcome: observer.on_ended(outcome, True))

    # Starting

    def _start_ready(self) -> None:
        while self.waiting and self.waiting[0][0] <= time.monotonic() and self._has_room():
            _, item, attempt = heapq.heappop(self.waiting)
            self._start(item, attempt)
        put_back: list[Item] = []
        while self.schedule.ready and self._has_room():
            item = self.schedule.pop_ready()
            if self._must_wait(item):
                put_back.append(item)
            else:
                self._start(item, 1)
        for item in put_back:
            self.schedule.add_ready(item)

    def _has_room(self) -> bool:
        """Whether a worker is free, or what is in hand and ready takes longer than the start of one more."""
        busy = len(self.in_hand)
        if busy == 0 or busy < self.workers.started_count:
            return busy < self.workers.size
        return busy < self.workers.size and self._is_worth_a_worker()

    def _is_worth_a_worker(self) -> bool:
        seconds = 0.0
        for item in itertools.chain(self.in_hand, (item for _, _, item in self.schedule.ready)):
            seconds += self.expected_s.get(item, WORKER_START_S)
            if seconds >= WORKER_START_S:
                return True
        return bool(self.waiting)

    def _must_wait(self, item: Item) -> bool:
        """Whether the item needs more of the accelerator than those in hand leave; on a CPU never."""
        return not has_device_room(self.plan.project, item.stage, [other.stage for other in self.in_hand])

    def _start(self, item: Item, attempt: int) -> None:
        declaration = self.plan.project.by_name[item.stage]
        state = self.plan.examine_item(declaration, item.video)
        pulled = state.status == "remote" and self.states[item].reason == ONLY_IN_REMOTE
        again = state.status == "dropped" and (self.states[item].reason == NOT_KEPT or item in self.again)
        if state.status != "stale" and not pulled and not again:
            self.plan.set_state(state)
            self._finish(make_outcome(state))
            return
        if self.restores_only and not has_local_outputs(self.plan, self.past, state):
            return
        if not pulled and self._await_dropped(state):
            return
        self.in_hand[item] = (state, attempt)
        limit = self.timings.choose_limit(item, self.limit_s)
        worker = self.workers.start_job(item, make_job(self.plan, self.past, state, is_restore_only=pulled), limit)
        self._notify(lambda observer: observer.on_started(item, worker, attempt))

    def _await_dropped(self, state: ItemState) -> bool:
        """Queue what the item reads that proved up to date in this run and is not kept, and the item behind it."""
        sources = self.plan.find_sources(state.item)
        absent = [one for one in sources if one in self.held and self.plan.states[one].status == "dropped"]
        if not absent or has_local_outputs(self.plan, self.past, state):
            return False
        self.again.update(absent)
        self.schedule.await_again(state.item, absent)
        return True

    # Results

    def _handle_event(self, event: WorkerEvent) -> None:
        match event:
            case ItemProgress(item, step):
                self._notify(lambda observer: observer.on_progress(item, step))
            case WorkerLog(level, message):
                self._notify(lambda observer: observer.on_message(level, message))
            case JobEnded(item, done):
                state, attempt = self.in_hand.pop(item)
                self._handle_result(state, attempt, done)
            case WorkerDied(item, reason, seconds):
                state, _ = self.in_hand.pop(item)
                self._handle_death(state, reason, seconds)

    def _handle_result(self, state: ItemState, attempt: int, done: JobResult) -> None:
        item = state.item
        if done.status in ("computed", "restored"):
            try:
                self._accept(state, done)
            except OSError as error:  # without a recipe the artifact is not valid
                message = f"its recipe could not be written: {error.strerror or error}"
                self._finish(Outcome(item.video, item.stage, "failed", done.seconds, error=message))
                return
            size = sum(size for files in done.outputs.values() for _, size in files.values())
            how = "computed" if done.status == "computed" else "restored"
            page = find_page(self.plan.project, item, done.outputs)
            self._finish(Outcome(item.video, item.stage, how, done.seconds, done.frames, bytes=size, page=page))
        elif done.status == "fault":
            self._fail_permanently(state, done.message, done.seconds)
        elif done.transient and attempt <= len(RETRY_DELAYS_S):
            outcome = Outcome(item.video, item.stage, "failed", done.seconds, error=done.message)
            self._notify(lambda observer: observer.on_ended(outcome, False))
            heapq.heappush(self.waiting, (time.monotonic() + RETRY_DELAYS_S[attempt - 1], item, attempt + 1))
        else:
            if done.details:
                _log_details(self.plan.project.root, item, done.details)
            message = done.message
            if self.states[item].reason == NOT_KEPT and self.plan.lacks_raw(
                self.plan.project.by_name[item.stage], item.video
            ):
                message = f"{self.plan.project.describe_missing(item.video)}; {NOT_KEPT}"
            self._finish(Outcome(item.video, item.stage, "failed", done.seconds, error=message))

    def _accept(self, state: ItemState, done: JobResult) -> None:
        """Write the recipe of the artifacts that are in place now, and save it in the state."""
        project, item = self.plan.project, state.item
        declaration = project.by_name[item.stage]
        for kind in declaration.outputs:
            base = project.artifact_path(kind, item.video)
            for name, (md5, _) in done.outputs[kind.folder].items():
                path = base / name if name else base
                mark = read_mark(path)
                if mark is not None:
                    project.state.save_own_md5(path.relative_to(project.root).as_posix(), mark, md5)
        digest = find_result_method(self.plan, state, done)
        recipe = Recipe(item.video, item.stage, digest, state.inputs, done.outputs, measures=done.measures)
        method = project.recipe_store.methods.get((item.stage, digest), declaration.method)
        with project.state.batch_writes():
            project.recipe_store.write_recipe(project.artifact_stem(item.video), recipe, method)
            project.state.save_outputs(item, recipe.key, done.outputs)
            project.state.clear_deaths([state.key, recipe.key])
            if done.status == "computed":
                project.state.save_timing(item.stage, item.video, done.seconds, done.frames)
                save_device_memory(project, item.stage, done.device_bytes)
            project.state.flush()
        self.plan.set_state(ItemState(item, "fresh", "", recipe.key, digest, state.inputs, done.outputs))

    def _handle_death(self, state: ItemState, reason: str, seconds: float) -> None:
        """Fail an item whose worker died; put it aside after MAX_DEATHS deaths."""
        item = state.item
        count = self.plan.project.state.count_death(state.key, reason)
        if count >= MAX_DEATHS:
            reason += f"; put aside after {count} times, until its input, code or parameters change or --retry-failed"
            self._fail_permanently(state, reason, seconds)
        else:
            self._finish(Outcome(item.video, item.stage, "failed", seconds, error=reason))

    def _fail_permanently(self, state: ItemState, error: str, seconds: float) -> None:
        """Record a fault; where it cannot be written (disk full), the next run computes the item again."""
        item, recorded = state.item, True
        try:
            record_fault(self.plan, state, error)
        except OSError as trouble:
            recorded = False
            error += f" (not recorded: {trouble.strerror or trouble})"
            self.plan.set_state(ItemState(item, "stale", error, state.key, state.method, state.inputs))
        self._finish(Outcome(item.video, item.stage, "failed", seconds, error=error, recorded=recorded))

    def _finish(self, outcome: Outcome) -> None:
        self.outcomes[outcome.item] = outcome
        self.held.pop(outcome.item, None)
        if outcome.result == "reused" and self.plan.states[outcome.item].status == "dropped":
            self.held[outcome.item] = outcome
        else:
            self._notify(lambda observer: observer.on_ended(outcome, True))
        for blocked in self.schedule.complete_item(outcome):
            self.outcomes[blocked.item] = blocked
            if blocked.recorded:
                state = ItemState(blocked.item, "blocked", blocked.error or "", recorded=True)
                self.plan.set_state(state)
            self._notify(lambda observer, blocked=blocked: observer.on_ended(blocked, True))

    def _notify(self, call: Callable[[Observer], None]) -> None:
        """Call every observer."""
        for observer in self.observers:
            call(observer)


def find_page(project: Project, item: Item, outputs: Outputs) -> str:
    """Path below the root of the page among the outputs of an item; "" where there is none."""
    folders = (kind for kind in project.by_name[item.stage].outputs if PAGE in outputs.get(kind.folder, ()))
    kind = next(folders, None)
    if kind is None:
        return ""
    return (project.artifact_path(kind, item.video) / PAGE).relative_to(project.root).as_posix()


def _log_details(root: Path, item: Item, details: str) -> None:
    """Append a traceback to errors.log in the state folder, not to the terminal."""
    path = root / STATE_FOLDER / "errors.log"
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {item}\n{details}\n")
    except OSError as error:
        log.debug("%s: %s", path, error)
