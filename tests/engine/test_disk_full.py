"""A full disk: items that cannot be written fail with a message, the run continues, and no partial file is left."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from flows.engine.item_state import list_stale
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from tests.engine import kill_scenarios
from tests.engine.fault_injection import FaultProject

pytestmark = pytest.mark.slow
FILMS = dict.fromkeys(("a", "b", "c"), "plain")
SIZE = "900k"


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system of its own with little room."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"needs to mount a file system, which only root may: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def here(small_disk: Path, tmp_path: Path, checkout: Path, fault_project: Callable[..., FaultProject]) -> FaultProject:
    """A project on it, the notes elsewhere."""
    aside = fault_project(**FILMS)
    (aside.root).rename(tmp_path / "moved")
    root = small_disk / "project"
    subprocess.run(["cp", "-r", str(tmp_path / "moved"), str(root)], check=True)
    return FaultProject(root, aside.notes, checkout)


def fill(root: Path, leave: int = 0) -> Path:
    """Take all room but `leave` bytes."""
    ballast = root.parent / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                os.write(file.fileno(), b"x" * 4096)
        except OSError:
            pass
        if leave:
            file.truncate(file.tell() - leave)
    return ballast


def litter(root: Path) -> list[str]:
    return [str(path) for path in root.rglob("*") if path.name.endswith(".tmp") or path.name == ".partial"]


@pytest.mark.parametrize("leave", [0, 4096, 20480, 49152, 102400])
def test_items_fail_with_a_message_and_all_is_well_when_there_is_room_again(here: FaultProject, leave: int) -> None:
    ballast = fill(here.root, leave)
    process = here.start()
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err and "Error" not in err.replace("OSError: [Errno 28]", "")
    assert process.returncode in (1, 2) and (out or err.count("\n") == 1)
    here.wait_for_silence()
    assert litter(here.root) == []
    ballast.unlink()
    summary = here.finish(here.start())
    assert summary["good"], summary
    assert litter(here.root) == []


def test_a_plan_needs_no_room(here: FaultProject) -> None:
    assert here.run()[0].is_good
    ballast = fill(here.root)
    states = Plan.examine_project(here.open()).states
    assert len(states) == 9 and list_stale(states) == []
    ballast.unlink()
    again = here.open()
    assert {item.stage for item in Plan.examine_project(again).states} == {"read", "act", "tell"}
    assert again.state.read_timings(), "what was remembered is not thrown away for want of room"


def test_a_run_that_finds_the_disk_full_in_the_middle_keeps_what_it_has(here: FaultProject) -> None:
    here.stop_at("act b computing 1")
    process = here.start()
    pid = here.wait_for_stop(process)
    ballast = fill(here.root)
    os.kill(pid, 9)
    out, err = process.communicate(timeout=120)
    # An item may fail for want of room too, and then says so in the system's words.
    assert "Traceback" not in err and "Error" not in err.replace("OSError: [Errno 28]", "")
    assert process.returncode in (1, 2) and (out or err.count("\n") == 1)
    done = here.recipes()
    ballast.unlink()
    states = Plan.examine_project(here.open()).states
    assert {str(item) for item, state in states.items() if state.status == "fresh"} >= done
    assert states[Item("b", "act")].status == "stale"
    assert here.finish(here.start())["good"]
    assert kill_scenarios.STEPS and litter(here.root) == []
