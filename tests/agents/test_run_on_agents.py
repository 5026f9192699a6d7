"""A run on agents gives what a run on one machine gives, recorded once, and moves little more than it must."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.agents.exchange import Share
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from flows.prefect_door.flow_run_state import FAULTS_ON_RECORD, decide_final_state
from flows.prefect_door.prefect_mirror import PrefectMirror
from tests.agents.team import Team, make_team
from tests.engine import toys

FILMS = {f"film{n}": "banana " * (n + 1) for n in range(6)}


def write_films(root: Path, films: dict[str, str] = FILMS) -> None:
    for name, text in films.items():
        (root / f"data/raw/{name}.mp4").write_text(text)


@pytest.fixture(params=["remote", "cache"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    share: Share = request.param
    made = make_team(tmp_path, share)
    write_films(made.root)
    toys.CALLS.clear()
    return made


def recorded(root: Path) -> bytes:
    return (root / "dvc.lock").read_bytes()


def test_agents_make_what_one_machine_makes_and_it_is_recorded_once(team: Team, tmp_path: Path) -> None:
    summary, _ = team.run()
    assert summary.is_good and not summary.unrecorded, summary
    alone = make_team(tmp_path / "alone", "remote").root
    write_films(alone)
    run_stale_items(Project.open(alone, toys.TOYS))
    assert recorded(team.root) == recorded(alone)


def test_each_item_is_computed_by_one_agent_and_once(team: Team) -> None:
    team.run()
    reads = [call for call in toys.CALLS if call.startswith("read")]
    assert sorted(reads) == sorted(f"read {name}" for name in FILMS)
    assert len(team.launcher.launched) > 1


def test_a_second_run_launches_nothing(team: Team) -> None:
    team.run()
    before = len(team.launcher.launched)
    summary, moved = team.run()
    assert summary.is_good and len(team.launcher.launched) == before
    assert moved.pushed_here == 0


def test_one_changed_video_sends_one_video(team: Team) -> None:
    team.run()
    before = len(team.launcher.launched)
    (team.root / "data/raw/film0.mp4").write_text("another")
    summary, _ = team.run()
    assert summary.is_good
    sent = {video.name for batch in team.launcher.launched[before:] for video in batch.videos}
    assert sent == {"film0"}


def test_a_damaged_video_is_recorded_as_a_fault_and_the_others_go_on(team: Team) -> None:
    (team.root / "data/raw/film1.mp4").write_text("")
    summary, _ = team.run()
    bad = {str(o.item): o for o in summary.outcomes if not o.is_good}
    assert set(bad) == {"read film1", "count film1", "repeat film1"} or "read film1" in bad
    assert bad["read film1"].recorded and "must hold text" in (bad["read film1"].error or "")
    assert all(o.is_good for o in summary.outcomes if o.video not in ("film1", "/dataset"))


def test_a_fault_that_agents_find_fails_the_flow_run_of_that_night_alone(team: Team) -> None:
    (team.root / "data/raw/film1.mp4").write_text("")
    states: list[str] = []
    for _ in range(2):
        mirror = PrefectMirror()
        summary, _ = team.run(observers=[mirror])
        states.append(decide_final_state(summary, mirror.attempted).name)
    assert states == ["Failed", FAULTS_ON_RECORD]


def test_what_reads_the_same_content_as_before_is_not_computed_again(team: Team) -> None:
    team.run()
    path = team.root / "params.yaml"
    path.write_text(path.read_text().replace("upper: false", "upper: true"))
    for name in FILMS:
        (team.root / f"data/raw/{name}.mp4").write_text("123 456")
    team.run()
    toys.CALLS.clear()
    path.write_text(path.read_text().replace("upper: true", "upper: false"))  # upper case changes no digit
    summary, _ = team.run()
    assert summary.is_good, summary
    assert sorted(toys.CALLS) == sorted(f"read {name}" for name in FILMS)
