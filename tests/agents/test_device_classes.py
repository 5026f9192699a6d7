"""What is not kept is computed again on the class of device that made it, or made anew with all that reads it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from flows.agents.batch import Batch
from flows.engine.outcome import Summary
from flows.engine.project import Project
from flows.engine.recipe import Recipe
from flows.engine.run import run_stale_items
from tasks import device_class
from tasks.artifacts.raw_video import RawVideo
from tasks.stage import stage
from tests.agents.team import QUICK, Team, ThreadLauncher, make_team
from tests.engine import toys

FILMS = {f"film{n}": "banana " * (n + 1) for n in range(3)}
OF_AGENTS = threading.local()
"""Of the agent in whose thread a stage runs: its class of device (`name`), and where it differs, what its bytes show
(`mark`)."""


def own_class() -> str:
    return getattr(OF_AGENTS, "name", "cpu-avx2")


@stage(kernels=("onnxruntime", "cuda"))
def read(raw: RawVideo, params: toys.ReadParams) -> toys.Words:
    """The words, with a mark of the device on which they were read: other devices give other bytes."""
    toys.CALLS.append(f"read {raw.file.stem} on {own_class()}")
    return toys.Words(f"{raw.file.read_text()} {getattr(OF_AGENTS, 'mark', own_class())}")


STAGES = (read, *toys.TOYS[1:])


@dataclass
class MixedLauncher(ThreadLauncher):
    """Agents with devices: `classes` gives the class of each clone; batches go to agents of the kind that they need."""

    classes: tuple[str, ...] = ()
    needs: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        super().__post_init__()
        self.before = self._be_of_class

    def count_agents(self) -> Mapping[str, int]:
        gpus = sum("cuda" in name for name in self.classes)
        return {"cpu": len(self.classes) - gpus, "gpu": gpus}

    def launch_batch(self, batch: Batch) -> str:
        self.needs.append(batch.needs)
        return super().launch_batch(batch)

    def find_places(self, batch: Batch) -> list[int]:
        return [n for n in self._free if ("cuda" in self.classes[n]) == (batch.needs == "gpu")]

    def _be_of_class(self, clone: Path, batch: Batch) -> None:
        OF_AGENTS.name = self.classes[list(self.clones).index(clone)]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setattr(device_class, "classify_device", lambda _, kernels: own_class() if kernels else "")
    monkeypatch.setattr(toys, "TOYS", STAGES)
    params = toys.PARAMS.replace("device: cpu", "device: auto").replace("recompute: []", "recompute: [read]")
    monkeypatch.setattr(toys, "PARAMS", params)
    made = make_team(tmp_path, "remote")
    for name, text in FILMS.items():
        (made.root / f"data/raw/{name}.mp4").write_text(text)
    toys.CALLS.clear()
    return made


def run(team: Team, *classes: str) -> tuple[Summary, MixedLauncher]:
    """A run on agents of these classes; what was called is in toys.CALLS."""
    toys.CALLS.clear()
    clones = [team.root.parent / f"agent{n}" for n in range(len(classes))]
    settings = replace(team.launcher.settings, pipeline=toys.TOYS)
    launcher = MixedLauncher(clones, settings, classes=classes)
    team.launcher = launcher
    return team.run(QUICK)[0], launcher


def change(team: Team, old: str, new: str) -> None:
    path = team.root / "params.yaml"
    path.write_text(path.read_text().replace(old, new))


def read_recipes(team: Team, stage_name: str) -> dict[str, tuple[Recipe, str]]:
    """Video to its recipe, and the class of device in its method."""
    project = Project.open(team.root, toys.TOYS)
    store = project.recipe_store
    found = {video: store.recipes[stage_name, project.artifact_stem(video)] for video in project.videos}
    project.close()
    return {video: (recipe, store.methods[stage_name, recipe.method].device) for video, recipe in found.items()}


def reads() -> list[str]:
    return sorted(call for call in toys.CALLS if call.startswith("read"))


def test_what_a_gpu_made_is_computed_again_on_a_gpu(team: Team) -> None:
    first, _ = run(team, "cuda-sm90")
    assert first.is_good, first
    change(team, "letter: a", "letter: n")
    summary, launcher = run(team, "cpu-avx2", "cuda-sm90")
    assert summary.is_good, (summary, launcher.failures)
    assert set(launcher.needs) == {"gpu"}
    assert reads() == [f"read {name} on cuda-sm90" for name in FILMS]
    assert toys.CALLS.count("count") == len(FILMS) and not toys.CALLS.count("repeat")


def test_where_no_agent_has_that_kind_it_is_made_anew_with_all_that_reads_it(team: Team) -> None:
    run(team, "cuda-sm90")
    before = read_recipes(team, "read")
    change(team, "letter: a", "letter: n")
    summary, launcher = run(team, "cpu-avx2")
    assert summary.is_good and not summary.unrecorded, (summary, launcher.failures)
    after = read_recipes(team, "read")
    assert {device for _, device in before.values()} == {"cuda-sm90"}
    assert {device for _, device in after.values()} == {"cpu-avx2"}, "the recipe names the device"
    assert toys.CALLS.count("count") == len(FILMS) == toys.CALLS.count("repeat") == toys.CALLS.count("join")
    again, launcher = run(team, "cpu-avx2")
    assert again.is_good and not launcher.launched, "nothing is left to do"


def test_an_agent_of_another_class_of_that_kind_says_so_and_it_is_made_anew(team: Team) -> None:
    run(team, "cuda-sm90")
    change(team, "letter: a", "letter: n")
    summary, launcher = run(team, "cuda-sm80")
    assert summary.is_good and not summary.unrecorded, (summary, launcher.failures)
    assert {device for _, device in read_recipes(team, "read").values()} == {"cuda-sm80"}
    assert reads() == [f"read {name} on cuda-sm80" for name in FILMS], "each once"
    again, launcher = run(team, "cuda-sm80")
    assert again.is_good and not launcher.launched


def test_what_is_the_same_on_all_devices_goes_anywhere(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toys, "TOYS", (toys.read, *toys.TOYS[1:]))
    run(team, "cuda-sm90")
    change(team, "letter: a", "letter: n")
    summary, _ = run(team, "cpu-avx2")
    assert summary.is_good and not toys.CALLS.count("repeat")


def test_one_machine_that_computes_it_again_names_its_own_device(team: Team) -> None:
    run(team, "cuda-sm90")
    change(team, "letter: a", "letter: n")
    project = Project.open(team.root, toys.TOYS)
    summary = run_stale_items(project)
    project.close()
    assert summary.is_good, summary
    assert {device for _, device in read_recipes(team, "read").values()} == {"cpu-avx2"}


def test_the_same_bytes_keep_the_recipe_of_the_device_that_made_them_first(team: Team) -> None:
    run(team, "cpu-avx512")
    before = read_recipes(team, "read")
    toys.CALLS.clear()
    OF_AGENTS.name = "cpu-avx2"
    OF_AGENTS.mark = "cpu-avx512"  # what it writes
    try:
        change(team, "letter: a", "letter: n")
        project = Project.open(team.root, toys.TOYS)
        assert run_stale_items(project).is_good
        project.close()
    finally:
        del OF_AGENTS.name, OF_AGENTS.mark
    assert len(reads()) == len(FILMS) and read_recipes(team, "read") == before
