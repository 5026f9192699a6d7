"""User inputs such as labels: they may be absent, and may select the videos that a stage over the dataset reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Self

import pytest

from flows.engine.outcome import Summary
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from tasks.artifacts.artifact import Dataset, UserInput
from tasks.errors import BadInput
from tasks.params import Params
from tasks.stage import stage
from tests.engine import toys


class Names(toys.Text, UserInput):
    FOLDER: ClassVar[str] = "data/labels"

    @classmethod
    def path(cls, root: Path, video: str) -> Path:
        return root / cls.FOLDER / "names.txt"

    @classmethod
    def load(cls, path: Path) -> Self:
        text = path.read_text()
        if not text:
            raise BadInput(f"{path.name} must name videos, got an empty file")
        return cls(text)

    @classmethod
    def absent(cls) -> Self:
        return cls("")


class Notes(toys.Text, UserInput):
    FOLDER: ClassVar[str] = "data/labels/notes"

    @classmethod
    def absent(cls) -> Self:
        return cls("nothing noted")


class Lessons(toys.Text):
    FOLDER: ClassVar[str] = "data/lessons"


class Remarks(toys.Text):
    FOLDER: ClassVar[str] = "data/remarks"


class NoParams(Params):
    pass


def named(params: NoParams, sources: Mapping[str, UserInput]) -> list[str]:
    names = sources["names"]
    assert isinstance(names, Names)
    return names.text.split()


@stage(select_videos=named)
def learn(words: Dataset[toys.Words], names: Names, params: NoParams) -> Lessons:
    toys.CALLS.append("learn")
    return Lessons(" ".join(video for video, _ in words.items()))


@stage()
def remark(words: toys.Words, notes: Notes, params: NoParams) -> Remarks:
    toys.CALLS.append("remark")
    return Remarks(f"{words.text}: {notes.text}")


STAGES = (toys.read, learn, remark)


@pytest.fixture
def reopen(project_root: Path) -> Callable[[], Project]:
    text = (project_root / "params.yaml").read_text()
    (project_root / "params.yaml").write_text(text[: text.index("count:")] + "learn: {}\nremark: {}\n")
    return lambda: Project.open(project_root, STAGES)


def run(project: Project) -> Summary:
    toys.CALLS.clear()
    return run_stale_items(project)


def write(root: Path, name: str, text: str) -> None:
    path = root / "data/labels" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_a_user_input_the_stage_gets_the_absent_value_and_reads_no_video(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    assert run(reopen()).is_good
    assert (project_root / "data/lessons/dataset.txt").read_text() == ""
    assert (project_root / "data/remarks/one.txt").read_text().endswith("nothing noted")
    assert run(reopen()).is_good
    assert toys.CALLS == []


def test_only_the_chosen_videos_are_read_and_others_may_come_and_go(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    write(project_root, "names.txt", "two")
    run(reopen())
    assert (project_root / "data/lessons/dataset.txt").read_text() == "two"
    (project_root / "data/raw/three.mp4").write_text("z")
    run(reopen())
    assert sorted(toys.CALLS) == ["read three", "remark"]
    write(project_root, "names.txt", "two three")
    run(reopen())
    assert toys.CALLS == ["learn"]
    assert (project_root / "data/lessons/dataset.txt").read_text() == "three two"


def test_a_note_on_one_video_runs_that_video_again_and_no_other(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    run(reopen())
    write(project_root, "notes/two.txt", "a dance")
    assert [str(item) for item, state in Plan.examine_project(reopen()).states.items() if state.status == "stale"] == [
        "remark two"
    ]
    run(reopen())
    assert toys.CALLS == ["remark"]
    assert (project_root / "data/remarks/two.txt").read_text().endswith("a dance")


def test_an_unreadable_user_input_is_a_fault_of_the_stage_that_reads_it(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    write(project_root, "names.txt", "")
    summary = run(reopen())
    assert [(str(o.stage), o.error) for o in summary.outcomes if not o.is_good] == [
        ("learn", "names.txt must name videos, got an empty file")
    ]
    assert run(reopen()).all_done
    write(project_root, "names.txt", "one")
    assert run(reopen()).is_good


def test_no_stage_can_save_a_user_input(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="written by people"):
        UserInput.save(Names("one"), tmp_path / "names.txt")
