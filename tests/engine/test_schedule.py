"""The order in which items are computed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flows.engine.compute_items import count_workers
from flows.engine.job import Job, JobResult
from flows.engine.outcome import Item, Outcome
from flows.engine.plan import Plan, select_items
from flows.engine.project import Project
from flows.engine.run_items import ItemRunner, find_page
from flows.engine.schedule import order_by_need
from flows.engine.timings import DurationEstimates
from flows.engine.workers import JobEnded, WorkerEvent


class Hand:
    """Workers that make nothing, and answer the one who has waited longest, one at a time."""

    def __init__(self, project: Project, size: int) -> None:
        self.project, self.size = project, size
        self.started: list[Item] = []
        self.open: list[Item] = []
        self.ended: set[Item] = set()
        self.most = 0

    @property
    def started_count(self) -> int:
        return self.most

    def start_job(self, item: Item, job: Job, limit_s: float) -> int:
        read = {Item(item.video, "read")} if item.stage != "read" else set[Item]()
        if item.stage == "join":
            read |= {Item(item.video, "count"), Item(item.video, "repeat")}
        assert read <= self.ended, "an item starts only when what it reads is there"
        self.started.append(item)
        self.open.append(item)
        self.most = max(self.most, len(self.open))
        return 0

    def wait_events(self, timeout_s: float) -> list[WorkerEvent]:
        item = self.open.pop(0)
        self.ended.add(item)
        if item == Item("one", "count"):
            return [JobEnded(item, JobResult("error", message="RuntimeError: a bug"))]
        kinds = self.project.by_name[item.stage].outputs
        return [JobEnded(item, JobResult("computed", {kind.folder: {"": ("0" * 32, 1)} for kind in kinds}))]

    def close(self) -> None:
        pass


def run(project: Project, workers: int, expected: DurationEstimates | None = None) -> tuple[Hand, dict[str, Outcome]]:
    hand = Hand(project, workers)
    plan = Plan.examine_project(project)
    following = ItemRunner(plan, select_items(plan), hand, (), expected or DurationEstimates())
    following.run()
    return hand, {str(item): outcome for item, outcome in following.outcomes.items()}


def test_the_first_video_is_finished_before_the_second_is_begun(reopen: Callable[[], Project]) -> None:
    hand, _ = run(reopen(), workers=1)
    started = [str(item) for item in hand.started]
    assert started == ["read one", "count one", "repeat one", "read two", "count two", "repeat two", "join two"]


@pytest.mark.parametrize("workers", [1, 2, 3, 9])
def test_every_item_is_completed_exactly_once_and_at_most_one_per_worker_is_running(
    reopen: Callable[[], Project], workers: int
) -> None:
    hand, outcomes = run(reopen(), workers)
    assert len(hand.started) == len(set(hand.started)) == 7
    assert len(outcomes) == 8
    assert hand.most <= workers


def test_independent_items_overlap(reopen: Callable[[], Project]) -> None:
    hand, _ = run(reopen(), workers=2)
    assert hand.most == 2


@pytest.mark.parametrize(
    ("seconds", "workers"), [((0.1, 0.1), 1), ((1.1, 1.1), 2), ((30.0, 0.1), 2)], ids=["short", "long", "one is long"]
)
def test_a_further_worker_starts_only_for_more_work_than_its_start_takes(
    reopen: Callable[[], Project], seconds: tuple[float, float], workers: int
) -> None:
    per_item = {"read": 0.1, "join": 0.1} | dict(zip(("count", "repeat"), seconds, strict=True))
    hand, outcomes = run(reopen(), 2, DurationEstimates(per_item=per_item))
    assert hand.most == workers
    assert len(outcomes) == 8


def test_a_failure_blocks_only_what_reads_it(reopen: Callable[[], Project]) -> None:
    _, outcomes = run(reopen(), workers=2)
    assert outcomes["count one"].error == "RuntimeError: a bug"
    assert outcomes["join one"].result == "blocked"
    assert outcomes["repeat one"].is_good
    assert outcomes["join two"].is_good


def test_a_run_takes_as_many_workers_as_compute_says(reopen: Callable[[], Project]) -> None:
    assert count_workers(reopen()) == 2


def test_what_an_item_reads_comes_just_before_it_the_items_over_the_dataset_too() -> None:
    def item(name: str) -> Item:
        return Item(*name.split())

    reads = {
        "a decode": [],
        "a track": ["a decode"],
        "a label": ["a track", "all train"],
        "b decode": [],
        "b track": ["b decode"],
        "b label": ["b track", "all train"],
        "c decode": [],
        "c track": ["c decode"],
        "c label": ["c track", "all train"],
        "all train": ["c track"],  # the labelled video
    }
    order = order_by_need(map(item, reads), {item(name): [*map(item, read)] for name, read in reads.items()})
    assert [f"{video} {stage}" for video, stage in order] == [
        *("a decode", "a track", "c decode", "c track", "all train", "a label"),
        *("b decode", "b track", "b label", "c label"),
    ]


def test_the_page_of_an_item_is_index_html_among_its_outputs(reopen: Callable[[], Project]) -> None:
    project = reopen()
    item = Item("one", "read")
    (kind,) = project.by_name["read"].outputs
    made = project.artifact_path(kind, "one").relative_to(project.root).as_posix()
    assert find_page(project, item, {kind.folder: {"": ("0" * 32, 1)}}) == ""
    assert find_page(project, item, {kind.folder: {"index.html": ("0" * 32, 1)}}) == f"{made}/index.html"
