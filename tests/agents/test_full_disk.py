"""An agent whose disk is full says so in a line, keeps nothing half-written, and its batch is done by another."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from flows.agents.agent_project import FOLDER
from flows.engine import run_items
from flows.engine.project import STATE
from tests.agents.team import QUICK, Team, ThreadLauncher, make_repository, make_team
from tests.agents.test_agent_faults import Listener
from tests.agents.test_run_on_agents import write_films
from tests.engine import toys

SIZE_KB = 1500
"""Room for an agent's settings and state, not for what it makes of FILMS."""
FILMS = {f"film{n}": f"banana {n} " * 40_000 for n in range(3)}
PAUSE_S = 0.5
"""For which an agent with a full disk takes nothing."""


@contextmanager
def mount_small_disk(folder: Path) -> Generator[None]:
    """A file system of SIZE_KB at `folder`; skips the test where none can be mounted."""
    folder.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"a small disk must be mounted, got {error}")
    if done.returncode:
        pytest.skip(f"a small disk must be mounted, got {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Team]]:
    """Makes a team of two agents, of which the first so many have small disks."""
    monkeypatch.setattr(run_items, "RETRY_DELAYS_S", (0.01, 0.01))
    with ExitStack() as disks:

        def make_with(small: int) -> Team:
            for number in range(small):
                disks.enter_context(mount_small_disk(tmp_path / f"agent{number}"))
            made = make_team(tmp_path, "remote")
            write_films(made.root, FILMS)
            made.launcher.settings = replace(made.launcher.settings, lease_s=PAUSE_S)
            toys.CALLS.clear()
            return made

        yield make_with


def find_torn(store: Path) -> list[Path]:
    """Objects of a store whose bytes do not have their hash, and unfinished ones."""
    found: list[Path] = []
    for path in (store / "files/md5").rglob("*"):
        if path.is_file():
            md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            found += [path] if md5 != path.parent.name + path.name else []
    return found


def list_left(clone: Path) -> list[str]:
    """What an agent leaves in its folder, beside the state."""
    folders = [path for path in (clone / STATE / FOLDER).iterdir() if path.is_dir()]
    return [path.name for folder in folders for path in folder.iterdir() if path.name != STATE]


def test_what_does_not_fit_on_one_agents_disk_is_computed_by_another(make: Callable[[int], Team]) -> None:
    team = make(1)
    listener = Listener()
    summary, _ = team.run(QUICK, observers=[listener])
    said = [line for line in listener.lines if "ended early" in line]
    assert summary.is_good and not summary.unrecorded, (summary, listener.lines)
    assert said and all(f"the disk of {team.clones[0]} must have room for the batch" in line for line in said), said
    assert find_torn(team.root.parent / "shared") == [] == find_torn(team.clones[0] / ".dvc/cache")
    assert list_left(team.clones[0]) == [] and team.launcher.failures == []


def test_with_every_disk_full_each_video_fails_with_that_line_and_nothing_is_recorded_of_it(
    make: Callable[[int], Team],
) -> None:
    team = make(2)
    summary, _ = team.run(QUICK)
    failed = [outcome for outcome in summary.outcomes if outcome.result == "failed"]
    assert failed and not any(outcome.recorded for outcome in failed)
    assert all("must have room for the batch, got" in (outcome.error or "") for outcome in failed), failed
    assert all(o.result in ("blocked", "computed", "restored") for o in summary.outcomes if o not in failed)
    assert find_torn(team.root.parent / "shared") == []
    # On a disk with room the same project is done, whatever had been handed in before.
    roomy = team.root.parent / "roomy"
    make_repository(roomy, (team.root / ".dvc/config").read_text())
    team.launcher = ThreadLauncher([roomy], team.launcher.settings)
    assert team.run(QUICK)[0].is_good
