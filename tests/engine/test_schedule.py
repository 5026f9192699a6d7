"""What runs when."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from flows.engine.item import Outcome
from flows.engine.plan import Item, plan
from flows.engine.project import Project
from flows.engine.schedule import schedule


class Hand:
    """A submitter that finishes nothing until told to."""

    def __init__(self) -> None:
        self.started: list[Item] = []
        self.most = 0
        self.open = 0

    def __call__(self, item: Item, before: list[Any]) -> Future[Outcome]:
        assert all(future.done() for future in before), "an item starts only when what it reads is there"
        self.started.append(item)
        future: Future[Outcome] = Future()
        if item == Item("one", "count"):
            future.set_exception(RuntimeError("a bug"))
        else:
            future.set_result(Outcome(item.video, item.stage, "computed"))
        return future


def run(project: Project, workers: int) -> tuple[list[str], dict[str, Outcome]]:
    hand = Hand()
    outcomes = list(schedule(project, plan(project), hand, workers))
    return [str(item) for item in hand.started], {f"{o.stage} {o.video}": o for o in outcomes}


def test_the_first_video_is_finished_before_the_second_is_begun(reopen: Callable[[], Project]) -> None:
    started, _ = run(reopen(), workers=1)
    assert started == ["read one", "count one", "repeat one", "read two", "count two", "repeat two", "join two"]


def test_every_item_is_settled_exactly_once(reopen: Callable[[], Project]) -> None:
    started, outcomes = run(reopen(), workers=3)
    assert len(started) == len(set(started)) == 7
    assert len(outcomes) == 8


def test_a_failure_blocks_only_what_reads_it(reopen: Callable[[], Project]) -> None:
    _, outcomes = run(reopen(), workers=2)
    assert outcomes["count one"].error == "RuntimeError: a bug"
    assert outcomes["join one"].result == "blocked"
    assert outcomes["repeat one"].good
    assert outcomes["join two"].good
