"""A stage over the whole dataset: one item that reads every video, and that stages of one video may read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from flows.engine.outcome import Item, Summary
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from tasks.artifacts.artifact import DATASET_ITEM, Dataset
from tasks.params import Params
from tasks.stage import stage
from tests.engine import toys


class Letters(toys.Text):
    FOLDER: ClassVar[str] = "data/letters"


class Shares(toys.Text):
    FOLDER: ClassVar[str] = "data/shares"


class NoParams(Params):
    pass


@stage()
def collect(words: Dataset[toys.Words], params: NoParams) -> Letters:
    toys.CALLS.append("collect")
    return Letters("".join(sorted({letter for _, text in words.items() for letter in text.text})))


@stage()
def share(words: toys.Words, letters: Letters, params: NoParams) -> Shares:
    toys.CALLS.append("share")
    return Shares(f"{len(set(words.text))}/{len(letters.text)}")


STAGES = (toys.read, collect, share)


@pytest.fixture
def reopen(project_root: Path) -> Callable[[], Project]:
    text = (project_root / "params.yaml").read_text()
    head = text[: text.index("count:")]
    (project_root / "params.yaml").write_text(head + "collect: {}\nshare: {}\n")
    return lambda: Project.open(project_root, STAGES)


def run(project: Project, videos: list[str] | None = None) -> Summary:
    toys.CALLS.clear()
    return run_stale_items(project, videos)


def test_a_dataset_stage_reads_every_video_and_every_video_reads_its_result(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    summary = run(reopen())
    assert summary.is_good
    assert (project_root / "data/letters/dataset.txt").read_text() == "abcnt"
    assert (project_root / "data/shares/one.txt").read_text() == "3/5"
    assert run(reopen()).is_good
    assert toys.CALLS == []


def test_a_new_video_recomputes_the_dataset_item_and_its_readers(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    run(reopen())
    (project_root / "data/raw/three.mp4").write_text("z")
    run(reopen())
    assert sorted(toys.CALLS) == ["collect", "read three", "share", "share", "share"]
    assert (project_root / "data/shares/one.txt").read_text() == "3/6"


def test_a_video_with_a_fault_is_left_out(reopen: Callable[[], Project], project_root: Path) -> None:
    (project_root / "data/raw/bad.mp4").write_text("")
    summary = run(reopen())
    assert {f"{o.stage} {o.video}" for o in summary.outcomes if not o.is_good} == {"read bad", "share bad"}
    assert (project_root / "data/letters/dataset.txt").read_text() == "abcnt"
    assert run(reopen()).all_done
    assert toys.CALLS == []


def test_a_run_of_some_videos_does_not_compute_the_dataset_item_from_them(reopen: Callable[[], Project]) -> None:
    summary = run(reopen(), ["two"])
    found = {str(o.item): o for o in summary.outcomes}
    assert found["read two"].is_good
    assert found["collect (dataset)"].result == "blocked"
    assert "read one is not up to date" in (found["collect (dataset)"].error or "")
    assert found["share two"].result == "blocked"
    assert toys.CALLS == ["read two"]
    assert not summary.all_done


def test_the_plan_counts_a_dataset_item_once(reopen: Callable[[], Project]) -> None:
    states = Plan.examine_project(reopen()).states
    assert [item for item in states if item.stage == "collect"] == [Item(DATASET_ITEM, "collect")]
    assert len(states) == 5
