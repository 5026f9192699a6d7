"""Hand in results while a batch is computed: an observer of the engine, with a thread that pushes and writes."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flows.agents.claims import HeldClaims
from flows.agents.exchange import Exchange
from flows.agents.full_disk import names_full_disk
from flows.agents.outages import RETRY_S
from flows.agents.results import ItemResult, write_result
from flows.engine.outcome import Item, Outcome, Step, Summary
from flows.engine.project import Project
from flows.engine.recipe import Recipe, parse_recipe, recipe_path

log = logging.getLogger("semflow")


@dataclass
class ResultPublisher:
    """An Observer that publishes each finished item of a batch: objects first, then the result that names them."""

    exchange: Exchange
    project: Project
    batch: str
    agent: str
    holder: str
    """Name of the agent's heartbeat."""
    claims: HeldClaims
    tokens: Mapping[str, str]
    """Video to the token of its claim."""
    retry_s: Sequence[float] = RETRY_S
    is_last_try: bool = False
    """Whether failures that are not recorded are handed in: before, they are tried again here."""
    error: str = ""
    """Why results could not be handed in; "" where all were."""
    has_full_disk: bool = False
    """Whether an item failed because there is no room; such failures are not handed in, they say nothing of it."""
    refused: dict[str, str] = field(default_factory=dict[str, str])
    """Video whose claim was lost, to the agent that took it over; its later results are dropped."""
    _queue: queue.SimpleQueue[Outcome | None] = field(default_factory=queue.SimpleQueue[Outcome | None])
    _thread: threading.Thread | None = None
    _number: int = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="publisher")
        self._thread.start()

    def close(self) -> None:
        """Wait until everything is handed in, or was given up."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def has_stopped(self) -> bool:
        """Whether computing on is useless: results cannot be handed in, or no claim is left."""
        return (
            bool(self.error) or self.has_full_disk or (bool(self.tokens) and not set(self.tokens) - set(self.refused))
        )

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        if not final or outcome.video not in self.tokens or outcome.result in ("blocked", "stopped"):
            return
        if not outcome.is_good and not outcome.recorded and names_full_disk(outcome.error or ""):
            self.has_full_disk = True
        elif outcome.is_good or outcome.recorded or self.is_last_try:
            self._queue.put(outcome)

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""

    def on_finished(self, summary: Summary) -> None:
        """See Observer."""

    def _run(self) -> None:
        while (outcome := self._queue.get()) is not None:
            if not self.error and outcome.video not in self.refused:
                self._publish_patiently(outcome)

    def _publish_patiently(self, outcome: Outcome) -> None:
        for pause_s in (*self.retry_s, None):
            try:
                self._publish(outcome)
                return
            except Exception as error:
                if pause_s is None:
                    self.error = f"{outcome.item} could not be handed in: {type(error).__name__}: {error}"
                    return
                log.warning("%s is not handed in yet (%s); trying again in %.0f s", outcome.item, error, pause_s)
                time.sleep(pause_s)

    def _publish(self, outcome: Outcome) -> None:
        token = self.tokens[outcome.video]
        if not self.claims.is_held(token):
            self.refused[outcome.video] = self.claims.lost.get(token, "another agent")
            log.warning(
                "%s was taken over by %s; this agent's results are dropped", outcome.video, self.refused[outcome.video]
            )
            return
        recipe = self._read_recipe(outcome)
        method = None if recipe is None else self.project.recipe_store.methods.get((recipe.stage, recipe.method))
        if recipe is not None and self.project.by_name[recipe.stage].keeps_artifacts:
            self.exchange.push_objects(md5 for files in recipe.outputs.values() for md5, _ in files.values())
        result = ItemResult(self.agent, outcome, recipe, method)
        write_result(self.exchange.documents, self.batch, f"{self.holder}-{self._number:06d}", result)
        self._number += 1

    def _read_recipe(self, outcome: Outcome) -> Recipe | None:
        """The recipe that the engine has written for the item; None for a failure that is not recorded."""
        if not outcome.is_good and not outcome.recorded:
            return None
        path = recipe_path(self.project.root, outcome.stage, self.project.artifact_stem(outcome.video))
        try:
            return parse_recipe(path.read_text(encoding="utf-8"))
        except OSError:
            return None
