"""reports/dataset.json: recorded with the page, the same on every machine and at both doors, erased with a video."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from flows.engine.dvc_yaml import render_dvc_yaml
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from flows.engine.state import State
from flows.overview import file_hashes
from tests.maintenance.conftest import Repository
from tests.maintenance.test_forget_all_kinds import NAME, full, md5  # noqa: F401 - a fixture

CARD = "reports/dataset.json"


def read_files(root: Path) -> dict[str, str]:
    """Kept file to its MD5, as the card says."""
    listed = json.loads((root / CARD).read_text())["distribution"]
    return {one["@id"]: one["md5"] for one in listed if "md5" in one}


def test_the_card_names_what_is_recorded_and_is_recorded_itself(full: Repository) -> None:  # noqa: F811
    assert full.run().unrecorded == {}
    recorded = full.recorded()
    words = {f"data/words/{name}": found for name, found in recorded["data/words"].items()}
    assert {path: found for path, found in read_files(full.root).items() if "words" in path} == words
    assert recorded["reports"]["dataset.json"] == md5((full.root / CARD).read_bytes())
    assert full.status() == "Data and pipelines are up to date."


def test_a_machine_whose_artifacts_are_in_the_remote_writes_the_same_card(full: Repository) -> None:  # noqa: F811
    full.run()
    before = (full.root / CARD).read_bytes()
    full.push()
    full.lose_cache()
    for folder in ("data/words", "data/letters", "data/recipes", "data/raw", "reports", ".semflow"):
        shutil.rmtree(full.root / folder)
    project = Project.open(full.root, full.stages, fetch=True)
    run_stale_items(project)
    project.close()
    assert (full.root / CARD).read_bytes() == before
    assert not list((full.root / "data").glob("words/*")), "they are in the remote still"


def read_sha256(root: Path) -> dict[str, str]:
    """Kept file to its SHA-256, as the card says."""
    listed = json.loads((root / CARD).read_text())["distribution"]
    return {one["@id"]: one["sha256"] for one in listed if "md5" in one}


def test_every_file_has_its_sha256_which_is_computed_once(
    full: Repository,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed: list[Path] = []
    original = file_hashes._hash_file
    monkeypatch.setattr(file_hashes, "_hash_file", lambda path: (hashed.append(path), original(path))[1])
    full.run()
    found = read_sha256(full.root)
    assert found == {path: hashlib.sha256((full.root / path).read_bytes()).hexdigest() for path in found}
    assert len(found) == len(read_files(full.root)) > 0
    assert len(hashed) == len(set(read_files(full.root).values()))
    (full.root / CARD).unlink()
    full.run()
    assert read_sha256(full.root) == found
    assert len(hashed) == len(set(read_files(full.root).values())), "remembered by MD5"


def test_what_is_remembered_of_a_forgotten_video_goes_with_it(full: Repository) -> None:  # noqa: F811
    full.run()
    before = {md5 for path, md5 in read_files(full.root).items()}
    full.commit("first")
    full.push()
    assert full.semflow("forget", NAME, "--remote", "--yes")["good"]
    state = State.open(full.root)
    remembered = set(state.read_memos(file_hashes.PREFIX))
    state.close()
    assert remembered == set(read_files(full.root).values()) < before


def test_notes_of_the_data_set_change_the_card_at_both_doors_and_compute_nothing(full: Repository) -> None:  # noqa: F811
    full.run()
    (full.root / "dataset.yaml").write_text("name: Words\n")
    (full.root / "dvc.yaml").write_text(render_dvc_yaml(full.open()))
    assert "dataset.yaml" in full.status()
    summary = full.run()
    assert {outcome.result for outcome in summary.outcomes} == {"reused"}
    assert json.loads((full.root / CARD).read_text())["name"] == "Words"
    assert full.status() == "Data and pipelines are up to date."
    by_run = (full.root / CARD).read_bytes()
    (full.root / CARD).unlink()
    project = full.open()
    run_stale_items(project, stages=["report"], record=False, pull=True)  # what `semflow stage report` calls
    project.close()
    assert (full.root / CARD).read_bytes() == by_run


def test_wrong_notes_are_named_and_hold_nothing_up(full: Repository) -> None:  # noqa: F811
    (full.root / "dataset.yaml").write_text("title: Words\n")
    (full.root / "dvc.yaml").write_text(render_dvc_yaml(full.open()))
    summary = full.run()
    assert summary.is_good
    assert [note for note in summary.notes if "dataset.yaml:1: title must be one of name" in note]


def test_a_forgotten_video_is_in_no_card_any_more(full: Repository) -> None:  # noqa: F811
    full.run()
    full.commit("first")
    old = (full.root / CARD).read_bytes()
    assert NAME.encode() in old
    full.push()
    assert full.semflow("forget", NAME, "--remote", "--yes")["good"]
    card = (full.root / CARD).read_bytes()
    assert NAME.encode() not in card
    for store in (full.cache, full.remote):
        assert not store.has_object(md5(old))
    assert full.recorded()["reports"]["dataset.json"] == md5(card)


@pytest.mark.parametrize("name", ["index.html", "dataset.json"])
def test_what_shows_all_videos_is_no_orphan(full: Repository, name: str) -> None:  # noqa: F811
    full.run()
    before = (full.root / "reports" / name).read_bytes()
    full.run()
    assert (full.root / "reports" / name).read_bytes() == before
