"""Results that agents have handed in and that are not decided: in the order of the stages, early ones later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from flows.agents.accept_results import ResultAcceptor, Verdict
from flows.agents.results import ItemResult

Decision = tuple[ItemResult, Verdict | Literal["failed"], str]


@dataclass
class PendingResults:
    """The results that wait."""

    acceptor: ResultAcceptor
    _waiting: list[ItemResult] = field(default_factory=list[ItemResult])

    def add(self, results: Iterable[ItemResult]) -> None:
        """Let `results` wait for `decide`."""
        self._waiting += results

    def decide(self) -> Iterator[Decision]:
        """Each result that can be decided now, with the verdict and the reason; those that came before what they read
        wait for the next call. A result without a recipe failed on its agent.

        Asks once for the objects of all; where the exchange fails then, all of them wait.
        """
        order = {declaration.name: n for n, declaration in enumerate(self.acceptor.plan.project.declarations)}
        existing = self.acceptor.find_existing(self._waiting) if self._waiting else set[str]()
        self._waiting.sort(key=lambda result: order.get(result.item.stage, 0))
        early: list[ItemResult] = []
        try:
            while self._waiting:
                result = self._waiting[0]
                if result.recipe is None:
                    decision: Decision = result, "failed", str(result.outcome.error)
                else:
                    decision = result, *self.acceptor.accept_result(result, existing)
                del self._waiting[0]
                if decision[1] == "early":
                    early.append(result)
                else:
                    yield decision
        finally:  # what was not decided, because a call failed, waits too
            self._waiting = early + self._waiting
