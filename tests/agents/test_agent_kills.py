"""Twenty SIGKILLs of agents and of the coordinator, at moments inside claiming, computing, handing in, accepting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.agents.document_store import FolderDocuments
from flows.engine.dvc_store.object_store import ObjectStore
from tests.agents.prefect_site import make_agent_clone
from tests.engine.entry_points import Toy, environment, prefork_server, start_project

FILMS = {f"film{n}.mp4": "banana split " * (n + 1) for n in range(5)}
ITEMS = len(FILMS) + 3
PATIENCE_S = 240.0
AGENT_MOMENTS = ("claims/", "starts/", *(f"items/{n}" for n in range(1, 9)), "ends/")
COORDINATOR_MOMENTS = ("batches/", "claims/", "starts/", *(f"items/{n}" for n in (1, 3, 6, 9)), "ends/", "recipes/12")


class Team:
    """A project, two agents, and what lies in the folder that all see."""

    def __init__(self, folder: Path, toy: Toy) -> None:
        self.toy = toy
        self.store = folder / "store"
        self.agents = [make_agent_clone(toy, folder / f"agent{n}") for n in range(2)]
        self.documents = FolderDocuments(self.store / "semflow")

    def start(self) -> subprocess.Popen[str]:
        clones = [str(agent.root) for agent in self.agents]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.agents.coordinate", *clones],
            cwd=self.toy.root,
            env=environment(self.toy.root, self.toy.common),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> dict[str, object]:
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        assert "Traceback" not in err, err
        return json.loads(out)

    def calls(self) -> Counter[str]:
        """`read <video>` to how often it was computed, by any agent."""
        lines: list[str] = []
        for toy in (self.toy, *self.agents):
            path = toy.home / "calls"
            lines += path.read_text().splitlines() if path.exists() else []
        return Counter(line for line in lines if line.startswith("read"))

    def has_come(self, moment: str) -> bool:
        """Whether a document of that kind, or that many of it, is there."""
        if moment.startswith("recipes/"):
            return len(list((self.toy.root / "data/recipes").rglob("*.recipe.json"))) >= int(moment[8:])
        kind, _, number = moment.partition("/")
        names = [name for folder in ("results", "batches", "claims") for name in self.documents.list_documents(folder)]
        return sum(f"{kind}/" in name for name in names) >= int(number or 1)

    def agent_pids(self) -> list[int]:
        found: list[int] = []
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                try:
                    words = (path / "cmdline").read_bytes().split(b"\0")
                    here = str((path / "cwd").readlink())
                except OSError:
                    continue
                if b"flows.agents.agent" in words and here in [str(agent.root) for agent in self.agents]:
                    found.append(int(path.name))
        return sorted(found)

    def torn(self) -> list[str]:
        """Objects whose bytes do not have their hash."""
        import hashlib

        store = ObjectStore(self.store / "files/md5")
        bad: list[str] = []
        for path in store.folder.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                name = (path.parent.name + path.name).removesuffix(".dir")
                if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != name:
                    bad.append(name)
        return bad


@pytest.fixture
def make_team(tmp_path: Path) -> Iterator[Callable[[], Team]]:
    with prefork_server(tmp_path) as served:
        made: list[Team] = []

        def make() -> Team:
            folder = tmp_path / f"team{len(made)}"
            toy = start_project(folder / "head", folder, served)
            (folder / "store").mkdir()
            toy.dvc("remote", "add", "-d", "team", str(folder / "store"))
            toy.git("add", ".")
            toy.git("commit", "-qm", "Remote")
            made.append(Team(folder, toy))
            for relative, text in FILMS.items():
                toy.write(f"data/raw/{relative}", text)
            return made[-1]

        yield make
        for team in made:
            for pid in team.agent_pids():
                os.kill(pid, signal.SIGKILL)


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not ready() and process.poll() is None:
        assert time.monotonic() < until, "the moment must come"
        time.sleep(0.002)


def check_outcome(team: Team, summary: dict[str, object], redone: int) -> None:
    """Everything is good and recorded, no object is torn, and little was computed a second time."""
    assert summary["good"], summary
    assert summary["unrecorded"] == {}
    assert team.torn() == []
    counts = team.calls()
    assert len(counts) == ITEMS and sum(counts.values()) <= ITEMS + redone, counts
    assert team.finish(team.start())["outcomes"] is not None, "the next run has nothing to lock it out"


@pytest.mark.slow
def test_killed_agents_cost_what_they_had_in_hand(make_team: Callable[[], Team]) -> None:
    for moment in AGENT_MOMENTS:
        team = make_team()
        run = team.start()
        wait_for(lambda team=team, moment=moment: team.has_come(moment), run)
        for pid in team.agent_pids()[:1]:
            os.kill(pid, signal.SIGKILL)
        check_outcome(team, team.finish(run), redone=ITEMS // 2)


@pytest.mark.slow
def test_a_killed_coordinator_costs_nothing_that_was_handed_in(make_team: Callable[[], Team]) -> None:
    for moment in COORDINATOR_MOMENTS:
        team = make_team()
        run = team.start()
        wait_for(lambda team=team, moment=moment: team.has_come(moment), run)
        run.kill()
        run.communicate()
        check_outcome(team, team.finish(team.start()), redone=ITEMS // 2)
