"""What agents fetch and push is little more than what their batches must read from others and what they make."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from flows.agents.document_store import FolderDocuments
from flows.agents.run_on_agents import BytesMoved
from flows.engine.outcome import Summary
from flows.engine.recipe import RECIPE_FOLDER, parse_recipe
from tests.agents.team import Team, make_team
from tests.engine import toys

FILMS = {f"film{n}": f"banana {n} " * 20_000 for n in range(6)}
"""180 kB each: the documents of a run (batches, claims, results) have some kB a film."""
STAGES = ("read", "count", "repeat", "join")
MOST = 1.2
"""Bytes that are moved, at most, in shares of those that must be."""


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """Two agents that share a remote, and no cache. Words are in upper case: no object of theirs is a raw video's."""
    made = make_team(tmp_path, "remote")
    set_params(made.root, "upper: false", "upper: true")
    for name, text in FILMS.items():
        (made.root / f"data/raw/{name}.mp4").write_text(text)
    return made


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of each document that any agent or the coordinator writes, but for heartbeats, whose count is time's."""
    sizes: list[int] = []

    def count(name: str) -> None:
        write = getattr(FolderDocuments, name)

        def write_and_count(store: FolderDocuments, document: str, data: bytes) -> object:
            if not document.startswith("beats/"):
                sizes.append(len(data))
            return write(store, document, data)

        monkeypatch.setattr(FolderDocuments, name, write_and_count)

    count("write_document")
    count("create_document")
    return sizes


def set_params(root: Path, old: str, new: str) -> None:
    path = root / "params.yaml"
    path.write_text(path.read_text().replace(old, new))


def count_made(root: Path, stages: Iterable[str]) -> int:
    """Bytes of the distinct objects that these stages made, as the recipes say."""
    sizes: dict[str, int] = {}
    for stage in stages:
        for path in (root / RECIPE_FOLDER / stage).glob("*.recipe.json"):
            recipe = parse_recipe(path.read_text())
            assert recipe is not None
            sizes |= dict(file for files in recipe.outputs.values() for file in files.values())
    return sum(sizes.values())


def count_raw(root: Path) -> int:
    return sum(path.stat().st_size for path in (root / "data/raw").iterdir())


def count_moved(moved: BytesMoved) -> int:
    return moved.received_by_agents + moved.sent_by_agents


def repeat_on_new_agents(team: Team) -> tuple[Summary, BytesMoved]:
    """A run of which one stage of each video, and what reads it, is stale, on agents that have nothing."""
    for clone in team.clones:
        shutil.rmtree(clone / ".dvc/cache")
        shutil.rmtree(clone / ".semflow")
    set_params(team.root, "times: 2", "times: 3")
    toys.CALLS.clear()
    return team.run()


def test_agents_fetch_each_raw_video_and_push_what_they_make_and_little_else(team: Team, documents: list[int]) -> None:
    """Counted: objects that agents fetched and pushed, as the run reports (BytesMoved), and every document written.

    Against: the raw videos, which only the coordinator had, and the distinct objects of all recipes, made by agents.
    """
    summary, moved = team.run()
    assert summary.is_good, summary
    must = count_raw(team.root) + count_made(team.root, STAGES)
    share = (count_moved(moved) + sum(documents)) / must
    print(f"{must} bytes must move, {count_moved(moved)} did, and {sum(documents)} of documents: {share:.3f}")
    assert must > 3 * count_raw(team.root)
    assert 1.0 <= share <= MOST, (must, moved, sum(documents))
    assert moved.pushed_here == count_raw(team.root)


def test_new_agents_fetch_what_a_stale_stage_reads_and_no_raw_video(team: Team, documents: list[int]) -> None:
    """Counted as above. Against: what the up-to-date stages made, which is in the remote, and what the stale ones make.

    The engine's workers fetch the former past the exchange; a run that did not count them would fall below 1.
    """
    team.run()
    documents.clear()
    summary, moved = repeat_on_new_agents(team)
    assert summary.is_good, summary
    assert not any(call.startswith("read") for call in toys.CALLS), toys.CALLS
    must = count_made(team.root, STAGES)
    share = (count_moved(moved) + sum(documents)) / must
    print(f"{must} bytes must move, {count_moved(moved)} did, and {sum(documents)} of documents: {share:.3f}")
    assert count_moved(moved) >= must and share <= MOST, (must, moved, sum(documents))


def test_what_is_not_kept_is_made_again_from_raw_videos_that_agents_fetch(team: Team) -> None:
    set_params(team.root, "recompute: []", "recompute: [read]")
    team.run()
    summary, moved = repeat_on_new_agents(team)
    assert summary.is_good, summary
    assert sorted(call for call in toys.CALLS if call.startswith("read")) == sorted(f"read {name}" for name in FILMS)
    assert count_moved(moved) >= count_raw(team.root) + count_made(team.root, ["repeat"])
