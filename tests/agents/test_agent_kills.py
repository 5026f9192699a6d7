"""Twenty SIGKILLs of agents and of the coordinator, at moments inside claiming, computing, handing in, accepting."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.agents.document_store import FolderDocuments
from flows.engine.dvc_store.object_store import ObjectStore
from tests.agents.process_team import ITEMS, PATIENCE_S, ProcessTeam, open_process_team

POLL_S = 0.02
"""Seconds between two looks at the folder: each takes milliseconds of a processor that the agents need."""
AGENT_MOMENTS = (
    ("claims/3", "starts/2", "items/4", "items/9"),
    ("batches/1", "items/1", "items/6", "items/12"),
    ("starts/1", "items/2", "items/7", "ends/1"),
    ("claims/1", "items/3", "items/8", "items/15"),
    ("starts/2", "items/5", "items/10", "ends/2"),
)
"""For each of five runs, four moments at which some agent is killed: how many documents of a kind have come."""
COORDINATOR_MOMENTS = ("batches/1", "claims/2", "starts/1", "items/2", "recipes/9", "items/4", "recipes/20", "ends/1")


class Team(ProcessTeam):
    """A team that shares a folder."""

    @property
    def store(self) -> Path:
        return self.toy.common / "store"

    def count(self, moment: str, seen: set[str]) -> bool:
        """Whether as many documents of a kind as `moment` says have come, since the last call removed others."""
        kind, _, number = moment.partition("/")
        if kind == "recipes":
            # Not rglob: the folder .partial may go while it is listed.
            return len(list((self.toy.root / "data/recipes").glob("*/*.recipe.json"))) >= int(number)
        documents = FolderDocuments(self.store / "semflow")
        for folder in ("results", "batches", "claims"):
            seen.update(documents.list_documents(folder))
        return sum(f"{kind}/" in name for name in seen) >= int(number)

    def torn(self) -> list[str]:
        """Objects whose bytes do not have their hash."""
        store = ObjectStore(self.store / "files/md5")
        bad: list[str] = []
        for path in store.folder.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                name = (path.parent.name + path.name).removesuffix(".dir")
                if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != name:
                    bad.append(name)
        return bad


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    (tmp_path / "store").mkdir()
    with open_process_team(tmp_path, str(tmp_path / "store")) as made:
        yield Team(made.toy, made.agents)


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[str]) -> bool:
    """Whether the moment came before the run ended."""
    until = time.monotonic() + PATIENCE_S
    while not ready() and process.poll() is None:
        assert time.monotonic() < until, "the moment must come"
        time.sleep(POLL_S)
    return process.poll() is None


@pytest.mark.slow
def test_twenty_killed_agents_cost_what_they_had_in_hand(team: Team) -> None:
    kills = 0
    for number, moments in enumerate(AGENT_MOMENTS, start=1):
        team.make_stale(number)
        before, seen = team.calls(), set[str]()
        run = team.start()
        for moment in moments:
            if wait_for(lambda moment=moment, seen=seen: team.count(moment, seen), run):
                for pid in team.agent_pids()[:1]:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
        summary = team.finish(run)
        bad = [o for o in summary["outcomes"] if o["result"] not in ("computed", "restored", "reused", "remote")]
        assert summary["good"] and summary["unrecorded"] == {}, (bad, summary["unrecorded"], summary["notes"])
        assert team.torn() == []
        counts = team.calls() - before
        assert len(counts) == ITEMS, counts
        # A video is computed again only where its agent died before it had handed the item in.
        assert sum(counts.values()) <= ITEMS + len(moments) * ITEMS // 2, counts
    assert kills >= 15, "the moments must come while agents live"


@pytest.mark.slow
def test_a_coordinator_that_is_killed_eight_times_loses_nothing_that_was_handed_in(team: Team) -> None:
    kills = 0
    for moment in COORDINATOR_MOMENTS:
        seen: set[str] = set()
        run = team.start()
        if wait_for(lambda moment=moment, seen=seen: team.count(moment, seen), run):
            run.kill()
            kills += 1
        run.communicate()
    summary = team.finish(team.start())
    assert summary["good"] and summary["unrecorded"] == {}, summary
    assert team.torn() == [] and kills >= 4
    counts = team.calls()
    assert len(counts) == ITEMS and sum(counts.values()) <= ITEMS + kills, counts
