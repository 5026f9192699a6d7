"""Change one thing of a project, and exactly what follows from it is stale, runs, and is recorded: not an item too
many, not one too few. The plan, the run, `dvc status` and `dvc repro` must never disagree, by whichever door one goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.entry_points import VIDEOS, Toy, prefork_server, start_project, worked
from tests.engine.mutations import MUTATIONS, Mutation, items

BY_DVC = ("a parameter that shows", "a comment, a docstring and blank lines in code")
"""Mutations that are also tested with `dvc repro`, which starts a process per stage, in the default tests."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A project after its first run, recorded in DVC and committed in git."""
    folder = tmp_path_factory.mktemp("mutations")
    with prefork_server(folder) as served:
        toy = start_project(folder / "made", folder, served)
        assert set(toy.run()) == items("read", "count", "collect", "look", "tell")
        toy.git("add", ".")
        toy.git("commit", "-qm", "Features")
        toy.calls()
        yield toy


def settle(made: Toy, home: Path) -> Toy:
    """A copy of the project that knows of itself what it would know had it been made there."""
    toy = made.copy(home)
    assert toy.run() == {}
    return toy


def mutate(mutation: Mutation, made: Toy, home: Path) -> Toy:
    """A copy of the project, changed; the plan and `dvc status` must say so, and must change nothing."""
    toy = settle(made, home)
    mutation.apply(toy)
    found = toy.stale()
    itself = {item: why for item, why in found.items() if not why.startswith("waits for ")}
    assert itself.keys() == mutation.stale.keys()
    for item, why in itself.items():
        assert re.fullmatch(mutation.stale[item], why), f"{item}: {why}"
    assert mutation.computed | mutation.restored <= found.keys()
    seen = bool(mutation.stale) if mutation.dvc_sees is None else mutation.dvc_sees
    assert toy.is_clean() is not seen
    assert toy.calls() == []
    return toy


def expect(mutation: Mutation, toy: Toy, worked: dict[str, str]) -> None:
    """What was done is what must be done, and everybody finds that nothing is left to do."""
    assert worked == dict.fromkeys(mutation.computed, "computed") | dict.fromkeys(mutation.restored, "restored")
    assert toy.calls() == sorted(item.partition(" ")[0] for item in mutation.computed), "functions that ran"
    assert toy.stale() == {}
    assert toy.is_clean()


def expect_rest(toy: Toy) -> None:
    """Both doors find nothing to do, and leave every byte as it is."""
    before = toy.files()
    assert toy.repro() == {}
    assert toy.run() == {}
    assert toy.calls() == []
    assert toy.files() == before


def cases(slow: Callable[[Mutation], bool]) -> list[object]:
    return [pytest.param(m, id=m.name, marks=pytest.mark.slow if slow(m) else ()) for m in MUTATIONS]


@pytest.mark.parametrize("mutation", cases(lambda mutation: mutation.slow))
def test_semflow_run_computes_exactly_what_depends_on_a_change(mutation: Mutation, made: Toy, tmp_path: Path) -> None:
    toy = mutate(mutation, made, tmp_path / "run")
    expect(mutation, toy, toy.run())
    expect_rest(toy)


@pytest.mark.parametrize("mutation", cases(lambda mutation: mutation.name not in BY_DVC))
def test_dvc_repro_makes_exactly_the_same_with_the_same_bytes(mutation: Mutation, made: Toy, tmp_path: Path) -> None:
    by_dvc = mutate(mutation, made, tmp_path / "repro")
    expect(mutation, by_dvc, by_dvc.repro())
    expect_rest(by_dvc)
    by_semflow = settle(made, tmp_path / "run")
    mutation.apply(by_semflow)
    by_semflow.run()
    assert by_dvc.files() == by_semflow.files()


def test_a_reverted_change_restores_everything_from_the_cache(made: Toy, tmp_path: Path) -> None:
    toy = made.copy(tmp_path / "back")
    before = toy.files()
    toy.edit("params.yaml", "letter: a", "letter: n")
    toy.edit("toyflow/alphabet.py", "one == other", "one >= other")
    changed = items("count", "collect", "tell")
    assert toy.run() == dict.fromkeys(changed, "computed")
    toy.git("checkout", "params.yaml", "toyflow")
    toy.calls()
    assert toy.run() == dict.fromkeys(changed, "restored")
    assert toy.calls() == []
    assert toy.files() == before
    expect_rest(toy)


@pytest.mark.slow
def test_a_renamed_video_is_a_new_one_and_the_old_one_stays_until_it_is_removed(made: Toy, tmp_path: Path) -> None:
    """That a file is not here may mean that it is elsewhere: only `semflow remove` takes a video out."""
    toy = settle(made, tmp_path / "renamed")
    (toy.root / "data/raw/one.mp4").rename(toy.root / "data/raw/uno.mp4")
    found = toy.stale()
    assert {item: why for item, why in found.items() if "waits" not in why} == {"read uno": "never made"}
    computed = items("read", videos=("uno",)) | items("collect", "tell")
    # What was made of the same text under another name is taken from the cache.
    restored = items("count", "look", "tell", videos=("uno",))
    assert found.keys() == computed | restored
    assert toy.run() == dict.fromkeys(computed, "computed") | dict.fromkeys(restored, "restored")
    assert toy.calls() == sorted(item.partition(" ")[0] for item in computed)
    assert set(toy.read_statuses().values()) == {"fresh"}
    for _ in range(2):
        assert toy.changed() == {"data/raw"}, "DVC misses the file of the old name, and nothing else"
        assert toy.repro() == {}
        assert toy.run() == {}
        assert toy.recorded("data/raw.dvc") == {"one.mp4", "uno.mp4", "two.mp4", "day/three.mov"}
    toy.write("data/raw/one.mp4", VIDEOS["one.mp4"])
    assert toy.run() == {}
    assert toy.is_clean()
    expect_rest(toy)


@pytest.mark.slow
def test_code_missing_in_dvc_yaml_is_reported_before_anything_is_recorded(made: Toy, tmp_path: Path) -> None:
    """Without its line in dvc.yaml, a later change of a newly imported file would be stale here, and clean for DVC."""
    toy = settle(made, tmp_path / "imports")
    lock = (toy.root / "dvc.lock").read_bytes()
    toy.write("toyflow/fresh.py", "def same(count):\n    return count\n")
    toy.edit("toyflow/letters.py", "from toyflow", "from toyflow.fresh import same\nfrom toyflow")
    toy.edit("toyflow/letters.py", "return sum(", "return same(1) * sum(")
    assert {item for item, why in toy.stale().items() if "waits" not in why} == items("count")
    summary = toy.semflow("run")
    assert worked(summary["outcomes"]) == dict.fromkeys(items("count"), "computed")
    assert "run `semflow dvc`" in summary["unrecorded"]["all"]
    assert (toy.root / "dvc.lock").read_bytes() == lock
    assert any("run `semflow dvc`" in note for note in toy.semflow("stage", "count")["notes"])
    toy.semflow("dvc")
    assert toy.run() == {}
    assert toy.is_clean()
    toy.edit("toyflow/fresh.py", "return count", "return 1 * count")
    assert not toy.is_clean()
    assert toy.repro() == dict.fromkeys(items("count"), "computed")
    toy.calls()
    expect_rest(toy)
