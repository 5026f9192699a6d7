"""Versions in real git and DVC repositories: metrics by both doors, experiments, and branches that are merged."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from tests.engine.entry_points import Toy, environment, prefork_server, start_project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A project that was run once and committed."""
    folder = tmp_path_factory.mktemp("versions")
    with prefork_server(folder) as served:
        toy = start_project(folder / "made", folder, served)
        toy.run()
        toy.command("semflow", "merge", "--install")
        toy.git("add", ".")
        toy.git("commit", "-qm", "First version")
        toy.calls()
        yield toy


@pytest.fixture
def toy(made: Toy, tmp_path: Path) -> Toy:
    return made.copy(tmp_path / "copy")


def read_metrics(toy: Toy) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((toy.root / "metrics").iterdir())}


def test_both_doors_write_the_same_metrics_and_a_new_video_changes_what_it_must(toy: Toy, tmp_path: Path) -> None:
    first = read_metrics(toy)
    assert set(first) == {f"{stage}.json" for stage in ("read", "count", "collect", "look", "tell")}
    toy.write("data/raw/more.mp4", "bananas")
    other = toy.copy(tmp_path / "other")
    toy.run()
    other.repro()
    assert read_metrics(other) == read_metrics(toy) != first
    assert (other.root / "dvc.lock").read_bytes() == (toy.root / "dvc.lock").read_bytes()
    assert toy.is_clean() and other.is_clean()
    shown = json.loads(toy.dvc("metrics", "diff", "--json"))
    assert shown["metrics/read.json"]["read.items"] == {"old": 3, "new": 4, "diff": 1}


def test_a_clone_without_artifacts_keeps_the_metrics(made: Toy, tmp_path: Path) -> None:
    source = made.copy(tmp_path / "source")
    source.dvc("remote", "add", "-d", "team", str(tmp_path / "store"))
    source.dvc("push", "-q")
    source.git("commit", "-qam", "Remote")
    clone = source.clone(tmp_path / "clone")
    assert clone.run() == {} and clone.calls() == []
    assert read_metrics(clone) == read_metrics(source)
    clone.write("data/raw/more.mp4", "bananas")
    clone.run()
    assert json.loads((clone.root / "metrics/look.json").read_text())["look"]["items"] == 4
    assert not (clone.root / "data/facts/one.txt").exists(), "nothing was fetched for the metrics"


def test_an_experiment_computes_what_is_downstream_and_comes_back(toy: Toy) -> None:
    answer = toy.dvc("exp", "run", "--set-param", "tell.times=3", "--name", "three")
    assert answer.count("didn't change, skipping") == 5
    assert toy.calls() == ["tell"] * 3
    params = toy.git("diff", "-U0", "params.yaml").splitlines()
    assert [line for line in params if line.startswith(("-  ", "+  "))] == ["-  times: 2", "+  times: 3"]
    assert json.loads(toy.dvc("params", "diff", "--json")) == {
        "params.yaml": {"tell.times": {"old": 2, "new": 3, "diff": 1}}
    }
    table = toy.dvc("exp", "show", "--only-changed", "--csv")
    assert "tell.bytes" in table and "tell.times" in table and "three" in table
    assert toy.is_clean() and toy.run() == {}, "the other door has nothing to do"
    toy.dvc("exp", "branch", "three", "with-three")
    toy.git("checkout", "-q", "--", ".")
    assert set(toy.run().values()) == {"restored"}
    toy.dvc("exp", "apply", "three")
    assert toy.run() == {} and toy.calls() == [] and toy.is_clean()
    toy.git("checkout", "-qf", "with-three")
    assert "times: 3" in (toy.root / "params.yaml").read_text()
    assert toy.run() == {}


def test_an_experiment_in_a_folder_of_its_own_has_the_raw_videos(toy: Toy) -> None:
    toy.edit("params.yaml", "store_raw: true", "store_raw: false")
    toy.write("data/raw/more.mp4", "bananas")
    toy.run()
    toy.git("add", ".")
    toy.git("commit", "-qm", "Three videos in DVC's cache, one that is not")
    toy.calls()
    toy.dvc("exp", "run", "--temp", "--set-param", "tell.times=3", "--name", "apart")
    assert toy.calls() == ["tell"] * 4
    toy.dvc("exp", "apply", "apart")
    assert toy.run() == {} and toy.is_clean()
    toy.dvc("exp", "run", "--temp", "--set-param", "read.upper=true", "--name", "upper")
    assert toy.calls().count("read") == 4


def test_the_parameters_are_laid_out_as_dvc_writes_them(checkout: Path, tmp_path: Path) -> None:
    text = (checkout / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    apply_overrides(tmp_path / "params.yaml", ["track.max_gap_s=0.4"])
    assert (tmp_path / "params.yaml").read_text(encoding="utf-8") == text.replace("max_gap_s: 0.37", "max_gap_s: 0.4")


@pytest.fixture
def machines(made: Toy, tmp_path: Path) -> tuple[Toy, Toy]:
    """Two clones with a remote in common; each has added a video of its own and committed it, Ann's is pushed."""
    source = made.copy(tmp_path / "source")
    source.dvc("remote", "add", "-d", "team", str(tmp_path / "store"))
    source.dvc("push", "-q")
    source.git("commit", "-qam", "Remote")
    ann, ben = (source.clone(tmp_path / name) for name in ("ann", "ben"))
    for clone, text in ((ann, "ananas"), (ben, "banana bread")):
        clone.command("semflow", "merge", "--install")
        clone.write(f"data/raw/{clone.home.name}.mp4", text)
        clone.run()
        clone.git("add", ".")
        clone.git("commit", "-qm", f"Add {clone.home.name}")
    ann.dvc("push", "-q")
    ben.git("fetch", "-q", str(ann.root), "HEAD:ann")
    assert {json.loads(read_metrics(one)["read.json"])["read"]["items"] for one in (ann, ben)} == {4}
    return ann, ben


def test_branches_that_each_add_a_video_merge_with_their_metrics(machines: tuple[Toy, Toy]) -> None:
    _, ben = machines
    ben.git("merge", "-q", "--no-edit", "ann")
    assert {"ann.mp4", "ben.mp4"} <= ben.recorded("data/raw.dvc")
    merged = read_metrics(ben)
    assert json.loads(merged["read.json"])["read"]["items"] == 5, "right after the merge, before any run"
    shown = json.loads(ben.dvc("metrics", "diff", "--json", "HEAD~1"))["metrics/read.json"]
    assert shown["read.items"] == {"old": 4, "new": 5, "diff": 1}
    assert ben.git("status", "--porcelain").strip() == ""
    ben.run()
    made = read_metrics(ben)
    assert made["read.json"] == merged["read.json"], "the next run finds them as they must be"
    assert json.loads(merged["tell.json"])["tell"]["items"] == 5, "of what the run makes anew, as it reads all videos"
    assert made["count.json"] != merged["count.json"], "of equal files on both sides git asks nobody; the run counts"
    assert ben.run() == {}


def test_a_rebase_keeps_our_metrics_until_the_next_run(machines: tuple[Toy, Toy]) -> None:
    _, ben = machines
    ben.git("rebase", "-q", "ann")
    assert json.loads(read_metrics(ben)["read.json"])["read"]["items"] == 4
    ben.run()
    assert json.loads(read_metrics(ben)["read.json"])["read"]["items"] == 5


def test_branches_that_change_a_parameter_conflict_in_it_alone(toy: Toy) -> None:
    for branch, value in (("three", 3), ("four", 4)):
        toy.git("checkout", "-q", "main")
        toy.git("checkout", "-qb", branch)
        toy.edit("params.yaml", "times: 2", f"times: {value}")
        toy.run()
        toy.git("commit", "-qam", f"Say it {value} times")
    done = subprocess.run(
        ["git", "merge", "-q", "--no-edit", "three"], cwd=toy.root, env=environment(toy.root, toy.common), check=False
    )
    assert done.returncode == 1
    assert toy.git("diff", "--name-only", "--diff-filter=U").split() == ["params.yaml"]
    toy.git("checkout", "--theirs", "params.yaml")
    assert set(toy.run().values()) == {"restored"}, "what either branch computed is found"
