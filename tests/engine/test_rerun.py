"""A second run computes nothing, or only what depends on a change."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from flows.engine.outcome import Item, Summary
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.recipe import recipe_path
from flows.engine.run import run_stale_items
from tests.engine import toys

Reopen = Callable[[], Project]


def run(reopen: Reopen, **options: object) -> Summary:
    toys.CALLS.clear()
    return run_stale_items(reopen(), **options)  # type: ignore[arg-type]


def results(summary: Summary) -> dict[str, str]:
    return {f"{o.stage} {o.video}": o.result for o in summary.outcomes}


def edit(root: Path, old: str, new: str) -> None:
    params = root / "params.yaml"
    assert old in params.read_text()
    params.write_text(params.read_text().replace(old, new))


def files_of_data(root: Path) -> dict[str, bytes]:
    data = root / "data"
    return {path.relative_to(data).as_posix(): path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}


def test_a_first_run_computes_everything(reopen: Reopen, project_root: Path) -> None:
    summary = run(reopen)
    assert set(results(summary).values()) == {"computed"}
    assert len(summary.outcomes) == 8
    assert (project_root / "data/counts/one.txt").read_text() == "3"
    assert (project_root / "data/pages/two/1.txt").read_text() == "catcat"


def test_a_second_run_computes_nothing(reopen: Reopen) -> None:
    run(reopen)
    summary = run(reopen)
    assert toys.CALLS == []
    assert set(results(summary).values()) == {"reused"}


def test_a_changed_parameter_reruns_its_stage_and_its_readers_only(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    edit(project_root, "letter: a", "letter: n")
    changed = results(run(reopen))
    assert {name for name, result in changed.items() if result == "computed"} == {
        "count one",
        "count two",
        "join one",
        "join two",
    }


def test_an_unchanged_output_stops_recomputation_downstream(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    edit(project_root, "letter: a", "letter: n")
    run(reopen)
    edit(project_root, "letter: n", "letter: na")
    changed = results(run(reopen))
    assert changed["count one"] == "computed"
    assert changed["join one"] == "reused", "banana has two 'na' as it had two 'n'"


def test_the_plan_names_what_changed(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    edit(project_root, "letter: a", "letter: t")
    states = Plan.examine_project(reopen()).states
    assert states[Item("one", "count")].reason == "parameter letter: a -> t"
    assert states[Item("one", "join")].reason == "waits for count one"
    assert states[Item("one", "repeat")].status == "fresh"


def test_a_removed_or_altered_artifact_is_recomputed(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    (project_root / "data/counts/one.txt").unlink()
    (project_root / "data/echoes/two.txt").write_text("forged")
    states = Plan.examine_project(reopen()).states
    assert states[Item("one", "count")].reason == "data/counts/one.txt is missing"
    assert states[Item("two", "repeat")].reason == "data/echoes/two.txt is not as it was made"
    run(reopen)
    assert (project_root / "data/echoes/two.txt").read_text() == "catcat"
    assert "join" not in toys.CALLS, "the same bytes came back, so nothing after them runs"


def test_a_bad_input_is_recorded_and_the_others_continue(reopen: Reopen, project_root: Path) -> None:
    (project_root / "data/raw/bad.mp4").write_text("")
    summary = run(reopen)
    found = results(summary)
    assert found["read bad"] == "failed"
    assert found["count bad"] == found["join bad"] == "blocked"
    assert found["join one"] == "computed"
    assert not summary.is_good
    assert summary.all_done
    assert not (project_root / "data/words/bad.txt").exists()
    again = run(reopen)
    assert toys.CALLS == [], "the fault is a result: it is remembered and not tried again"
    assert not again.is_good


def test_a_video_that_becomes_invalid_loses_its_old_artifacts(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    (project_root / "data/raw/one.mp4").write_text("")
    run(reopen)
    assert not list((project_root / "data").glob("*/one*.txt"))
    assert not (project_root / "data/pages/one").exists()


def test_a_crash_in_a_stage_blocks_its_readers_and_is_retried(reopen: Reopen, project_root: Path) -> None:
    (project_root / "data/raw/one.mp4").write_text("crash")
    summary = run(reopen)
    found = results(summary)
    assert found["count one"] == "failed"
    assert found["join one"] == "blocked"
    assert found["join two"] == found["repeat one"] == "computed"
    assert not summary.all_done
    assert any("RuntimeError: a bug" in (o.error or "") for o in summary.outcomes)
    run(reopen)
    assert toys.CALLS == ["count"], "not a fault of the input, so it is tried again"


def test_recipes_and_artifacts_are_the_same_bytes_from_scratch(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    first = files_of_data(project_root)
    for path in (project_root / "data").iterdir():
        if path.name != "raw":
            for file in sorted(path.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
    run(reopen)
    assert files_of_data(project_root) == first


def test_a_missing_raw_file_removes_no_artifact(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    before = files_of_data(project_root)
    (project_root / "data/raw/one.mp4").unlink()
    summary = run(reopen)
    assert toys.CALLS == []
    assert set(results(summary).values()) == {"reused"}, "its recipes say all that a plan must know"
    assert len(summary.outcomes) == 8
    assert not summary.moved
    del before["raw/one.mp4"]
    assert files_of_data(project_root) == before


def test_items_that_need_a_missing_raw_file_report_it_and_the_others_continue(
    reopen: Reopen, project_root: Path
) -> None:
    run(reopen)
    (project_root / "data/raw/one.mp4").unlink()
    edit(project_root, "upper: false", "upper: true")
    summary = run(reopen)
    found = results(summary)
    assert found["read one"] == found["join one"] == "blocked"
    assert found["read two"] == found["join two"] == "computed"
    words = next(o.error or "" for o in summary.outcomes if str(o.item) == "read one")
    assert words.startswith("data/raw/one.mp4 is not here; run `dvc pull data/raw.dvc`, or put it back")
    assert not summary.all_done
    assert (project_root / "data/counts/one.txt").read_text() == "3", "what was made stays"
    (project_root / "data/raw/one.mp4").write_text("banana")
    assert run(reopen).is_good


def test_files_that_belong_to_no_video_are_moved_not_deleted(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    (project_root / "data/counts/notes.txt").write_text("mine")
    (project_root / "data/pages/three").mkdir()
    (project_root / "data/pages/three/0.txt").write_text("3")
    (project_root / "data/pages/.DS_Store").write_text("hidden: nobody's business")
    summary = run(reopen)
    assert sorted(summary.moved) == ["data/counts/notes.txt", "data/pages/three"]
    assert (project_root / ".semflow/removed/data/counts/notes.txt").read_text() == "mine"
    assert (project_root / ".semflow/removed/data/pages/three/0.txt").read_text() == "3"
    assert toys.CALLS == []
    assert not run(reopen).moved


def test_one_stage_alone_refuses_inputs_that_are_not_up_to_date(reopen: Reopen) -> None:
    summary = run(reopen, stages=["join"])
    assert {o.result for o in summary.outcomes} == {"blocked"}
    assert not summary.all_done
    for name in ("read", "count", "repeat", "join"):
        summary = run(reopen, stages=[name])
        assert summary.is_good


def test_only_the_videos_asked_for_are_run(reopen: Reopen) -> None:
    summary = run(reopen, videos=["two"])
    assert {o.video for o in summary.outcomes} == {"two"}
    assert Plan.examine_project(reopen()).states[Item("one", "read")].status == "stale"


def test_two_videos_of_one_name_keep_their_endings(project_root: Path, reopen: Reopen) -> None:
    run(reopen)
    (project_root / "data/raw/one.avi").write_text("other")
    summary = run(reopen)
    assert summary.is_good
    assert sorted({outcome.video for outcome in summary.outcomes}) == ["one.avi", "one.mp4", "two"]
    assert (project_root / "data/words/one.avi.txt").read_text() == "other"


def test_the_run_log_holds_times_and_recipes_do_not(reopen: Reopen, project_root: Path) -> None:
    run(reopen)
    entry = json.loads((project_root / ".semflow/runs.jsonl").read_text().splitlines()[-1])
    assert {"at", "host", "seconds"} <= entry.keys()
    recipe = json.loads(recipe_path(project_root, "read", "one").read_text())
    assert recipe.keys() == {"video", "stage", "key", "method", "inputs", "outputs", "error", "measures", "seal"}
    (method,) = (project_root / "data/recipes/read").glob("*.method.json")
    assert method.name == f"{recipe['method']}.method.json", "one for all videos"
    assert json.loads(method.read_text()).keys() == {"stage", "params", "code", "weights", "libraries", "device"}


def test_a_raw_file_that_is_new_in_its_present_form_is_reported_when_the_project_is_opened(
    reopen: Reopen, project_root: Path
) -> None:
    def count_reports() -> int:
        reports: list[None] = []
        Project.open(project_root, toys.TOYS, on_new_file=lambda: reports.append(None)).close()
        return len(reports)

    assert count_reports() == 1, "once for all files"
    for raw in (project_root / "data/raw").iterdir():
        os.utime(raw, (1, 1))  # a file that was modified a moment ago may change again without a new mark
    run(reopen)
    assert count_reports() == 0
    (project_root / "data/raw/two.mp4").write_text("other words")
    assert count_reports() == 1
