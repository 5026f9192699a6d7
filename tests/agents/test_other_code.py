"""An agent whose clone holds other code, in a process of its own: refused, and the difference is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.process_team import ProcessTeam, open_process_team
from tests.engine.entry_points import VIDEOS, Toy

FILMS = {"film.mp4": "banana split"}
DIFFERENCE = "code toyflow.alphabet differs"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[ProcessTeam]:
    (tmp_path / "store").mkdir()
    with open_process_team(tmp_path, str(tmp_path / "store"), films=FILMS) as made:
        yield made


def change_code(clone: Toy) -> None:
    """What a colleague's uncommitted edit does, two imports away from the stage `count`."""
    with (clone.root / "toyflow/alphabet.py").open("a") as file:
        file.write('\n\nVOWELS = "aeiou"\n')


def agent_calls(agent: Toy) -> list[str]:
    path = agent.home / "calls"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.slow
def test_agents_with_other_code_compute_nothing_and_the_run_names_the_difference(team: ProcessTeam) -> None:
    for agent in team.agents:
        change_code(agent)
    summary = team.finish(team.start())
    errors = [outcome["error"] or "" for outcome in summary["outcomes"] if outcome["result"] == "failed"]
    assert not summary["good"] and errors, summary
    assert all(DIFFERENCE in error and "check out the coordinator's commit" in error for error in errors), errors
    assert not team.calls()


@pytest.mark.slow
def test_an_agent_with_other_code_is_named_and_its_work_goes_to_another(team: ProcessTeam) -> None:
    """That code is of a stage which other batches only read from; a clone like it must not take those either."""
    true, other = team.agents
    change_code(other)
    summary = team.finish(team.start())
    assert summary["good"] and summary["unrecorded"] == {}, (summary["outcomes"], summary["said"])
    assert DIFFERENCE in summary["said"], summary["said"]
    assert not agent_calls(other)
    assert len([call for call in agent_calls(true) if call.startswith("read")]) == len(FILMS) + len(VIDEOS)
