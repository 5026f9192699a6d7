"""A film that is still being copied waits; the others are processed at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli import run_forecast
from flows.engine import settled_videos
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from flows.engine.settled_videos import find_unsettled
from flows.maintenance import watch
from flows.maintenance.watch import process_settled
from tests.engine import toys


@pytest.fixture
def project_root(tmp_path: Path) -> Path:
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text(toys.PARAMS)
    (tmp_path / "dvc.yaml").write_text("")
    for name in ("one", "two"):
        (tmp_path / f"data/raw/{name}.mp4").write_text(name)
    toys.CALLS.clear()
    return tmp_path


@pytest.fixture
def reopen(project_root: Path) -> Callable[[], Project]:
    return lambda: Project.open(project_root, toys.TOYS)


def grow(root: Path, name: str) -> Callable[[float], None]:
    """A pause in which somebody goes on copying."""

    def pause(seconds: float) -> None:
        with (root / f"data/raw/{name}.mp4").open("a") as file:
            file.write(" more")

    return pause


def test_a_file_that_grows_is_not_settled(project_root: Path, reopen: Callable[[], Project]) -> None:
    assert find_unsettled(reopen(), grow(project_root, "two")) == ["two"]
    assert find_unsettled(reopen(), lambda seconds: None) == []


def test_old_files_are_not_waited_for(
    project_root: Path, reopen: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled_videos, "RECENT_S", 0.0)
    waits: list[float] = []
    assert find_unsettled(reopen(), waits.append) == [] and waits == []


def test_a_film_that_is_still_copied_waits_and_the_other_is_processed(
    project_root: Path, reopen: Callable[[], Project]
) -> None:
    summary = process_settled(reopen(), run_stale_items, grow(project_root, "two"))
    assert summary is not None and summary.is_good
    assert [call for call in toys.CALLS if call.startswith("read")] == ["read one"]
    summary = process_settled(reopen(), run_stale_items, lambda seconds: None)
    assert summary is not None and {o.video for o in summary.outcomes if o.result == "computed"} == {"two"}


def test_with_nothing_to_do_nothing_is_run(reopen: Callable[[], Project]) -> None:
    process_settled(reopen(), run_stale_items, lambda seconds: None)
    assert process_settled(reopen(), run_stale_items, lambda seconds: None) is None


def test_a_run_of_watch_says_first_what_it_will_take(
    project_root: Path,
    reopen: Callable[[], Project],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    process_settled(reopen(), run_stale_items, lambda seconds: None)  # what the stages take is known from here on
    (project_root / "data/raw/one.mp4").write_text("another")
    monkeypatch.setattr(run_forecast, "SHOWN_FROM_S", 0.0)
    monkeypatch.setattr(settled_videos, "RECENT_S", 0.0)
    monkeypatch.setattr(watch, "find_root", lambda start: project_root)
    project = reopen()
    monkeypatch.setattr(watch.Project, "open", lambda root, fetch: project)
    monkeypatch.setattr(watch.time, "sleep", lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt))
    assert watch.command.main([], standalone_mode=False) == 130
    said = capsys.readouterr().out
    assert 0 < said.index("items: about") < said.index("computed")
