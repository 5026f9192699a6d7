"""The promises of the README on real, short video: a clone, both doors, a changed parameter, a kill, the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.pipeline import STAGES
from tasks.artifacts.artifact import DATASET_ITEM
from tests.flows.conftest import Clone


@pytest.fixture(scope="module")
def done(make_clone: Any) -> Clone:
    """A clone after its first `semflow run`."""
    clone: Clone = make_clone()
    assert set(clone.results().values()) == {"computed"}
    return clone


@pytest.fixture
def copied(done: Clone, tmp_path: Path) -> Clone:
    """A copy of that clone, for what leaves more videos behind."""
    root = tmp_path / "copy"
    shutil.copytree(done.root, root, symlinks=True)
    return Clone(root, Path(done.environment["PREFECT_HOME"]))


def video_of(item: str) -> str:
    return item.partition(" ")[2]


def test_a_first_run_leaves_features_reports_and_an_index(done: Clone) -> None:
    names = done.data().keys()
    for video in ("bikes", "walk"):
        for artifact in ("detections", "dense_flow", "matches", "tracks"):
            assert f"data/{artifact}/{video}.parquet" in names
        for stage in STAGES:
            assert f"data/recipes/{stage.name}/{'dataset' if stage.over_dataset else video}.recipe.json" in names
        assert {f"data/frames/{video}.parquet", f"data/features/{video}.npy"}.isdisjoint(names), "they are not kept"
        assert f"data/semantic_flow/{video}.npy" in names
        assert f"reports/{video}/index.html" in names
        assert {f"reports/{video}/film.mp4", f"reports/{video}/film.js"} <= names
    page = (done.root / "reports/index.html").read_text()
    assert page.count('"thumbnail":"/9j/') == page.count('"fps":') == 2, (
        "entries are read from frames before these are dropped"
    )


def test_a_second_run_computes_nothing_and_leaves_prefect_asleep(done: Clone) -> None:
    before = done.data()
    script = "import sys; from flows.cli.main import main; main(['run', '--json']); print('prefect' in sys.modules)"
    out = done.run(sys.executable, "-c", script).stdout
    assert out.rstrip().endswith("False")
    assert set(done.results().values()) == {"reused"}
    assert done.data() == before


def test_the_plan_is_made_without_heavy_imports(done: Clone) -> None:
    script = (
        "import sys; from flows.cli.main import main; code = main(['plan', '--json']); "
        "print(sorted({'torch', 'pandas', 'cv2', 'av', 'prefect', 'dvc', 'scipy'} & set(sys.modules)), code)"
    )
    out = done.run(sys.executable, "-c", script).stdout
    assert out.rstrip().endswith("[] 0")


def test_dvc_finds_everything_clean_after_a_run_and_has_nothing_to_do(done: Clone) -> None:
    assert done.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    lock = (done.root / "dvc.lock").read_bytes()
    assert "Data and pipelines are up to date." in done.run("dvc", "repro").stdout
    assert (done.root / "dvc.lock").read_bytes() == lock


def test_a_changed_parameter_of_track_reruns_track_and_its_readers_only(done: Clone) -> None:
    before = (done.root / "params.yaml").read_text()
    section = before[before.index("\ntrack:") :]
    key, value = next(line.split(":") for line in section.splitlines()[2:] if "max_gap" in line)
    done.edit_params(f"{key}:{value}", f"{key}: {float(value) + 1:g}")
    reasons = {f"{i['stage']} {i['video']}": i["why"] for i in done.semflow("plan")["items"]}
    assert reasons["track bikes"] == f"parameter max_gap_s: {value.strip()} -> {float(value) + 1:g}"
    results = done.results()
    again = {"decode", "extract_features"}  # they are not kept, and the report reads them
    assert {name.split()[0] for name, result in results.items() if result == "computed"} <= {"track", "report"} | again
    assert results["track bikes"] == results["track walk"] == "computed"
    assert results["detect bikes"] == results["estimate_flow bikes"] == "reused"
    (done.root / "params.yaml").write_text(before)
    assert "computed" not in done.results().values(), "the earlier value comes back from the cache"
    assert done.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."


def test_a_broken_file_fails_alone_and_the_exit_code_says_so(copied: Clone) -> None:
    (copied.root / "data/raw/broken.mp4").write_bytes(b"this is no video")
    run = copied.run("semflow", "run", "--json", check=False)
    assert run.returncode == 1
    results = {f"{o['stage']} {o['video']}": o for o in json.loads(run.stdout)["outcomes"]}
    assert results["decode broken"]["result"] == "failed"
    assert "broken.mp4" in results["decode broken"]["error"]
    assert results["detect broken"]["result"] == "blocked"
    assert results["report bikes"]["result"] == "reused"
    assert "broken" in (copied.root / "reports/index.html").read_text()
    assert copied.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    again = copied.run("semflow", "run", "--json", check=False)
    assert again.returncode == 1, "the fault is on record, and is a fault still"
    assert {o["result"] for o in json.loads(again.stdout)["outcomes"]} == {"reused", "failed", "blocked"}


def test_own_videos_are_taken_in_and_only_they_are_run(copied: Clone, tmp_path: Path) -> None:
    shutil.copy(copied.root / "data/raw/walk.mp4", tmp_path / "mine one.mp4")
    results = copied.results("--videos", f"{tmp_path}/*.mp4")
    assert {video_of(name) for name in results} == {"mine one", DATASET_ITEM}
    assert all(result == "reused" for name, result in results.items() if video_of(name) == DATASET_ITEM)
    assert (copied.root / "reports/mine one/index.html").is_file()
    before = copied.data()
    (copied.root / "data/raw/mine one.mp4").unlink()
    assert set(copied.results().values()) == {"reused"}, "a video whose file is not here has its features still"
    del before["data/raw/mine one.mp4"]
    assert copied.data().keys() == before.keys()


@pytest.fixture(scope="module")
def resumed(make_clone: Any) -> Clone:
    """A clone whose first `semflow run` was killed in the middle, after a second one, which takes up where it was."""
    clone: Clone = make_clone()
    process = subprocess.Popen(["semflow", "run"], cwd=clone.root, env=clone.environment, start_new_session=True)
    waited = time.monotonic() + 120
    while not list((clone.root / "data/recipes/detect").glob("*.recipe.json")):
        assert time.monotonic() < waited and process.poll() is None, "the first detections must come before the end"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = {
        f"{path.parent.name} {path.name.removesuffix('.recipe.json')}"
        for path in clone.root.glob("data/recipes/*/*.recipe.json")
    }
    assert "detect bikes" in finished or "detect walk" in finished
    results = {name.replace(DATASET_ITEM, "dataset"): result for name, result in clone.results().items()}
    assert {name: results[name] for name in finished} == dict.fromkeys(finished, "reused")
    return clone


@pytest.mark.slow
def test_a_run_killed_in_the_middle_leaves_nothing_half_written_and_nothing_to_do(resumed: Clone) -> None:
    assert not list(resumed.root.rglob(".partial"))
    assert set(resumed.results().values()) == {"reused"}


@pytest.mark.slow
def test_dvc_repro_on_a_fresh_clone_gives_the_bytes_of_a_killed_and_resumed_run(
    resumed: Clone, make_clone: Any
) -> None:
    fresh: Clone = make_clone()
    fresh.run("dvc", "repro")
    assert set(fresh.results().values()) == {"reused"}
    assert fresh.data() == resumed.data()
    assert (fresh.root / "dvc.lock").read_bytes() == (resumed.root / "dvc.lock").read_bytes()
