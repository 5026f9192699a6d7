"""Artifacts of the stages of `compute.recompute`: deleted once they are read, made again when they are needed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli.display_log import QuietDisplay
from flows.engine.dvc_yaml import render_dvc_yaml
from flows.engine.outcome import Item, Outcome, Summary
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.run import restore_artifacts, run_stale_items
from flows.maintenance.pull import pull_artifacts
from tasks.errors import BadParams, SemflowError
from tests.engine import toys

Reopen = Callable[[], Project]


def edit(root: Path, old: str, new: str) -> None:
    params = root / "params.yaml"
    assert old in params.read_text()
    params.write_text(params.read_text().replace(old, new))


@pytest.fixture(autouse=True)
def words_are_not_kept(project_root: Path) -> None:
    edit(project_root, "recompute: []", "recompute: [read]")


def run(reopen: Reopen, **options: object) -> Summary:
    toys.CALLS.clear()
    return run_stale_items(reopen(), **options)  # type: ignore[arg-type]


def statuses(project: Project, stage: str) -> set[str]:
    return {state.status for item, state in Plan.examine_project(project).states.items() if item.stage == stage}


def list_words(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "data/words").glob("*.txt"))


def test_after_a_run_they_are_gone_and_everything_is_up_to_date(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    assert list_words(project_root) == []
    assert (project_root / "data/counts/one.txt").read_text() == "3"
    assert statuses(reopen(), "read") == {"dropped"}
    assert statuses(reopen(), "count") == statuses(reopen(), "join") == {"fresh"}
    again = run(reopen)
    assert toys.CALLS == []
    assert {outcome.result for outcome in again.outcomes} == {"reused"}


def test_they_are_computed_again_for_the_videos_and_stages_that_read_them(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    edit(project_root, "letter: a", "letter: n")
    run(reopen, videos=["one"])
    assert sorted(toys.CALLS) == ["count", "join", "read one"]
    assert list_words(project_root) == [], "and deleted again"


def test_a_stage_whose_readers_do_not_need_them_again_does_not_run(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    for page in (project_root / "data/pages").iterdir():
        for line in page.iterdir():
            line.unlink()
        page.rmdir()
    run(reopen)
    assert set(toys.CALLS) == {"join"}


@pytest.mark.parametrize("kept", [True, False])
def test_they_are_computed_again_where_only_their_reader_proves_stale(
    kept: bool, reopen: Reopen, project_root: Path
) -> None:
    """What they are made of is computed anew, with the same bytes: they are up to date, and their reader is not."""
    edit(project_root, "recompute: [read]", "recompute: [count]" if kept else "recompute: [read, count, repeat]")
    for name in ("one", "two"):
        (project_root / f"data/raw/{name}.mp4").write_text("BANANA")
    run(reopen)
    edit(project_root, "upper: false", "upper: true")
    done = run(reopen)
    assert sorted(toys.CALLS) == ["read one", "read two"], "the same bytes: nothing that reads them runs"
    edit(project_root, "upper: true", "upper: false")
    for page in (project_root / "data/pages").iterdir():
        (page / "0.txt").write_text("forged")
    ended: list[Item] = []

    class Observed(QuietDisplay):
        def on_ended(self, outcome: Outcome, final: bool) -> None:
            ended.append(outcome.item)

    done = run(reopen, observers=[Observed()])
    assert {outcome.result for outcome in done.outcomes} <= {"computed", "reused", "restored"}
    assert (project_root / "data/pages/one/0.txt").read_text() == "0"
    assert len(ended) == len(set(ended)), "each item ends once"
    assert {outcome.result for outcome in run(reopen).outcomes} == {"reused"}


def test_they_stay_while_an_item_that_reads_them_is_not_done(reopen: Reopen, project_root: Path) -> None:
    (project_root / "data/raw/one.mp4").write_text("crash")
    run(reopen)
    assert list_words(project_root) == ["one.txt"], "count failed by a bug and is tried again"
    run(reopen, stages=["read", "repeat"])
    assert list_words(project_root) == ["one.txt"]


def test_other_bytes_are_no_dropped_artifact(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    (project_root / "data/words/one.txt").write_text("forged")
    assert statuses(reopen(), "read") == {"stale", "dropped"}
    run(reopen)
    assert statuses(reopen(), "read") == {"dropped"}


def test_once_kept_they_are_made_and_stay(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    edit(project_root, "recompute: [read]", "recompute: []")
    assert statuses(reopen(), "read") == {"stale"}
    run(reopen)
    assert sorted(toys.CALLS) == ["read one", "read two"]
    assert list_words(project_root) == ["one.txt", "two.txt"]


def test_one_can_be_asked_for(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    restore_artifacts(reopen(), [Item("one", "read")])
    assert list_words(project_root) == ["one.txt"]
    (project_root / "data/raw/two.mp4").write_text("changed since")
    with pytest.raises(SemflowError, match="read two must be up to date, got stale"):
        restore_artifacts(reopen(), [Item("two", "read")])


def test_a_video_whose_raw_file_is_not_here_is_blocked_with_what_to_do(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    (project_root / "data/raw/one.mp4").unlink()
    edit(project_root, "times: 2", "times: 3")
    failures = {outcome.item: outcome for outcome in run(reopen).outcomes if not outcome.is_good}
    assert set(failures) == {Item("one", "read"), Item("one", "repeat"), Item("one", "join")}
    assert "data/raw/one.mp4" in (failures[Item("one", "read")].error or "")


def test_only_stages_of_one_video_that_others_read_can_be_named(reopen: Reopen, project_root: Path) -> None:
    for name in ("join", "nothing"):
        edit(project_root, "recompute: [read]", f"recompute: [{name}]")
        with pytest.raises(BadParams, match=rf"must name stages .*\(read, count, repeat\), got '{name}'"):
            reopen()
        edit(project_root, f"recompute: [{name}]", "recompute: [read]")


def test_dvc_records_their_recipes_and_not_their_bytes(reopen: Reopen, project_root: Path) -> None:
    def dvc(*words: str) -> str:
        command = [sys.executable, "-m", "dvc", *words]
        return subprocess.run(command, cwd=project_root, check=True, capture_output=True, text=True).stdout

    subprocess.run(["git", "init", "-q"], cwd=project_root, check=True)
    dvc("init", "-q")
    text = render_dvc_yaml(reopen())
    assert "- data/words" not in text and text.count("- data/recipes/read") == 3, "an out, and twice a dependency"
    (project_root / "dvc.yaml").write_text(text)
    edit(project_root, "upper: false", "upper: true")  # else words have the bytes of the raw files, which are recorded
    (project_root / "dvc.yaml").write_text(render_dvc_yaml(reopen()))
    assert run(reopen).unrecorded == {}
    words_md5 = hashlib.md5((project_root / "data/raw/one.mp4").read_bytes().upper(), usedforsecurity=False).hexdigest()
    assert not (project_root / f".dvc/cache/files/md5/{words_md5[:2]}/{words_md5[2:]}").exists()
    assert dvc("status").strip() == "Data and pipelines are up to date."
    dvc("remote", "add", "-d", "store", str(project_root.parent / "store"))
    dvc("push", "-q")
    for folder in ("counts", "recipes", "pages"):
        subprocess.run(["rm", "-r", str(project_root / "data" / folder)], check=True)
    dvc("pull", "-q")
    assert statuses(reopen(), "read") == {"dropped"}
    assert statuses(reopen(), "join") == {"fresh"}
    words = next(kind for kind in reopen().by_name["read"].outputs)
    with pytest.raises(SemflowError, match=r"data/words must be kept to be pulled, got read in compute\.recompute"):
        pull_artifacts(reopen(), kinds=[words])


def test_an_earlier_value_comes_back_from_the_cache_and_nothing_is_computed(reopen: Reopen, project_root: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project_root, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=project_root, check=True)
    (project_root / "dvc.yaml").write_text(render_dvc_yaml(reopen()))
    run(reopen)
    edit(project_root, "letter: a", "letter: n")
    run(reopen)
    edit(project_root, "letter: n", "letter: a")
    back = run(reopen)
    assert toys.CALLS == [], "what count and join read is not needed"
    assert {o.result for o in back.outcomes if o.stage in ("count", "join")} == {"restored"}
    assert list_words(project_root) == []
    edit(project_root, "times: 2", "times: 3")
    run(reopen)
    assert sorted(set(toys.CALLS)) == ["join", "repeat"], "words are as the raw files, which are in the cache"
