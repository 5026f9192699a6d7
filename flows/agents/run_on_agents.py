"""Bring a project up to date on agents: the engine's run, with agents in place of the workers of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from flows.agents.compute_on_agents import AgentRun
from flows.agents.exchange import Exchange, Share
from flows.agents.launcher import Launcher
from flows.agents.run_settings import AgentRunSettings
from flows.engine.compute_items import compute_items
from flows.engine.compute_protocol import ItemsToCompute
from flows.engine.item_state import ItemState
from flows.engine.outcome import Item, Observer, Outcome, Step, Summary
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from tasks.artifacts.artifact import DATASET_ITEM


@dataclass(frozen=True)
class BytesMoved:
    """Bytes of objects that went through the exchange."""

    pushed_here: int
    received_by_agents: int
    sent_by_agents: int


def run_on_agents(
    project: Project,
    launcher: Launcher,
    share: Share,
    *,
    videos: Sequence[str] | None = None,
    settings: AgentRunSettings | None = None,
    observers: Sequence[Observer] = (),
    retry_failed: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Summary, BytesMoved]:
    """Compute every stale item of `videos` (None: all) on agents, and record once; gives the summary and what moved.

    Raises SemflowError where DVC is not set up for the exchange, or where no agent is at work.
    """
    exchange = Exchange.open_project(project.root, share)
    runs: list[AgentRun] = []

    def compute(work: ItemsToCompute) -> float | None:
        outcomes = work.outcomes

        def compute_here(ready: dict[Item, ItemState]) -> None:
            shown = [_DatasetItems(observer) for observer in work.observers]
            found: dict[Item, Outcome] = {}
            compute_items(replace(work, states=ready, outcomes=found, observers=shown))
            outcomes.update({item: outcome for item, outcome in found.items() if item.video == DATASET_ITEM})

        run = AgentRun(
            work.plan,
            work.states,
            outcomes,
            exchange,
            launcher,
            settings or AgentRunSettings(),
            work.observers,
            compute_here,
            work.stopped,
            work.signals,
        )
        runs.append(run)
        run.run()
        made = [item for item, outcome in outcomes.items() if outcome.result == "computed"]
        expected = [run.expected_s[item] for item in made if item in run.expected_s]
        return sum(expected) if made and len(expected) == len(made) else None

    summary = run_stale_items(
        project, videos, observers=observers, retry_failed=retry_failed, stopped=stopped, compute=compute
    )
    return summary, BytesMoved(exchange.sent, sum(run.received for run in runs), sum(run.sent for run in runs))


@dataclass(frozen=True)
class _DatasetItems:
    """An Observer that passes on what concerns items over the data set; what they read is brought here in silence."""

    observer: Observer

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""
        if item.video == DATASET_ITEM:
            self.observer.on_started(item, worker, attempt)

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""
        if item.video == DATASET_ITEM:
            self.observer.on_progress(item, step)

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        if outcome.video == DATASET_ITEM:
            self.observer.on_ended(outcome, final)

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""
        self.observer.on_message(level, message)

    def on_finished(self, summary: Summary) -> None:
        """See Observer."""
