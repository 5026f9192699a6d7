"""Forgetting where there are a page over all videos, labels that people wrote, and a stage over the whole data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import pytest

from tasks.artifacts.artifact import Dataset, UserInput
from tasks.params import Params
from tasks.stage import stage
from tests.engine import toys
from tests.engine.test_whole_dataset import Letters, NoParams
from tests.maintenance.conftest import Repository

NAME = "zebra_9"


@dataclass(frozen=True)
class Notes(UserInput):
    """What people write for a video."""

    FOLDER: ClassVar[str] = "data/labels"
    SUFFIX: ClassVar[str] = ".note"
    text: str

    @classmethod
    def absent(cls) -> Self:
        return cls("")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path.read_text())


@dataclass(frozen=True)
class Rows(UserInput):
    """What people write for all of them."""

    FOLDER: ClassVar[str] = "data/labels"
    SUFFIX: ClassVar[str] = ".csv"
    text: str

    @classmethod
    def absent(cls) -> Self:
        return cls("")

    @classmethod
    def path(cls, root: Path, video: str) -> Path:
        return root / cls.FOLDER / "actions.csv"

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path.read_text())


class Pages(toys.Pages):
    FOLDER: ClassVar[str] = "reports"


class ReportParams(Params):
    pass


@stage()
def collect(words: Dataset[toys.Words], rows: Rows, params: NoParams) -> Letters:
    return Letters("".join(sorted({letter for _, text in words.items() for letter in text.text})) + rows.text)


@stage()
def report(words: toys.Words, letters: Letters, notes: Notes, params: ReportParams) -> Pages:
    return Pages((words.text, letters.text, notes.text))


STAGES = (toys.read, collect, report)


@pytest.fixture
def full(repository: Repository) -> Repository:
    root = repository.root
    text = (root / "params.yaml").read_text()
    (root / "params.yaml").write_text(text[: text.index("count:")] + "collect: {}\nreport: {}\n")
    repository.stages = STAGES
    from flows.engine.dvc_yaml import render_dvc_yaml

    (root / "dvc.yaml").write_text(render_dvc_yaml(repository.open()))
    (root / "data/labels").mkdir()
    (root / f"data/labels/{NAME}.note").write_text("a note")
    (root / "data/labels/one.note").write_text("another")
    (root / "data/labels/actions.csv").write_text(f"video,label\none,x\n{NAME},y\n{NAME},z\n")
    (root / f"data/raw/{NAME}.mp4").write_text("zebra")
    return repository


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_old_pages_that_show_it_go_and_the_new_one_is_recorded_without_it(full: Repository) -> None:
    assert full.run().unrecorded == {}
    full.commit("first")
    old = (full.root / "reports/index.html").read_bytes()
    assert NAME.encode() in old
    (full.root / "data/raw/three.mp4").write_text("three")
    full.run()
    full.commit("second")
    newer = (full.root / "reports/index.html").read_bytes()
    full.push()
    assert full.cache.has_object(md5(old))
    found = full.semflow("forget", NAME, "--remote", "--yes")
    assert found["good"]
    for store in (full.cache, full.remote):
        assert not store.has_object(md5(old))
        assert not store.has_object(md5(newer))
    page = (full.root / "reports/index.html").read_bytes()
    assert NAME.encode() not in page
    assert b"three" in page
    recorded = full.recorded()["reports"]
    assert recorded["index.html"] == md5(page)
    assert full.cache.has_object(md5(page))
    assert not [name for name in recorded if NAME in name]


def test_labels_of_its_own_go_and_rows_of_a_table_are_named(full: Repository) -> None:
    full.run()
    proof = full.semflow("forget", NAME, "--yes")["forgotten"][0]["proof"]
    assert not (full.root / f"data/labels/{NAME}.note").exists()
    assert (full.root / "data/labels/one.note").exists()
    assert (full.root / "data/labels/actions.csv").read_text().count(NAME) == 2, "a table is its owner's"
    said = " ".join(proof["cannot_reach"])
    assert "data/labels/actions.csv names it in line 3, 4" in said
    assert "what collect made of the whole data set" in said


def test_what_is_made_of_all_is_stale_then_and_recomputed_without_it(full: Repository) -> None:
    full.run()
    assert "z" in (full.root / "data/letters/dataset.txt").read_text()
    (full.root / "data/labels/actions.csv").unlink()
    full.semflow("forget", NAME, "--yes")
    summary = full.run()
    assert summary.is_good
    assert summary.unrecorded == {}
    assert "z" not in (full.root / "data/letters/dataset.txt").read_text()
    assert full.status() == "Data and pipelines are up to date."


def test_where_todays_parameters_were_not_run_yet_the_recorded_version_is_rewritten_all_the_same(
    full: Repository,
) -> None:
    full.run()
    full.edit("upper: false", "upper: true")
    full.semflow("forget", NAME, "--yes")
    assert not [out for out, listing in full.recorded().items() if any(NAME in name for name in listing)]
    assert full.recorded()["data/words"].keys() == {"one.txt", "two.txt"}


def test_the_last_video_can_be_forgotten(full: Repository, enter: Callable[[Repository], None]) -> None:
    del enter
    full.run()
    for name in ("one", "two", NAME):
        assert full.semflow("forget", name, "--yes")["good"]
    assert full.recorded()["data/raw"] == {}
    assert full.recorded()["data/words"] == {}
    assert "must hold at least one video" in full.says("run", code=2)
