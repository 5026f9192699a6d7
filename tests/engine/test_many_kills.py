"""Kills and interruptions at many moments, chosen by the progress of the run rather than by time.

Each of them ends with: no artifact torn (the same bytes as from a run that nobody disturbed), nothing made again but
what was in hand, no process left, no lock to remove, no traceback shown.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable

import pytest

from tests.engine import kill_scenarios
from tests.engine.fault_injection import FaultProject

pytestmark = pytest.mark.slow
Make = Callable[..., FaultProject]
VIDEOS = ("a", "b", "c", "d")
STAGES = ("read", "act", "tell")
COUNT = 20
RECORDINGS = 4
"""Before the method, before the recipe is moved into place, after that, after all (see kill_scenario_run.py)."""


def worker_moments() -> list[str]:
    """Moments inside computing, writing and moving into place."""
    found = [
        f"{stage} {video} {phase} {n}"
        for video in VIDEOS
        for stage in STAGES
        for phase in ("computing", "writing")
        for n in range(kill_scenarios.STEPS)
    ]
    folders = ("words", "deeds", "scenes", "tales")
    return found + [f"moving {folder} {video}" for folder in folders for video in VIDEOS]


def recording_moments() -> list[str]:
    """Moments inside the writing of recipes, which the run itself does."""
    return [f"{stage} {video} recording {n}" for video in VIDEOS for stage in STAGES for n in range(RECORDINGS)] + [
        f"{stage} method recording {n}" for stage in STAGES for n in (1, 2)
    ]


def choose(seed: int, *groups: list[str]) -> list[str]:
    """COUNT moments, drawn from each group in turn, none twice."""
    rng = random.Random(seed)
    drawn = [rng.sample(group, COUNT) for group in groups]
    return [drawn[n % len(drawn)][n] for n in range(COUNT)]


KILLS_OF_RUNS = choose(1, worker_moments(), recording_moments())
KILLS_OF_WORKERS = choose(2, worker_moments())
INTERRUPTS = choose(3, worker_moments(), recording_moments())[:10]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, checkout: object) -> dict[str, bytes]:
    """What a run gives that nobody disturbs."""
    with pytest.MonkeyPatch.context() as patch:
        here = FaultProject.at(tmp_path_factory.mktemp("undisturbed"), checkout, dict.fromkeys(VIDEOS, "plain"))  # type: ignore[arg-type]
        patch.setenv(kill_scenarios.FOLDER, str(here.notes))
        assert here.run()[0].is_good
        return here.data()


def begin(fault_project: Make, moment: str) -> tuple[FaultProject, object, int]:
    here = fault_project(**dict.fromkeys(VIDEOS, "plain"))
    here.stop_at(moment)
    process = here.start()
    return here, process, here.wait_for_stop(process)


def check_the_next_run(
    here: FaultProject, before: Counter[str], recipes: set[str], undisturbed: dict[str, bytes]
) -> None:
    """All that the module promises."""
    here.wait_for_silence()
    called = set(before)
    in_hand = called - recipes
    assert len(in_hand) <= 2, "that of each worker"
    process = here.start()
    summary = here.finish(process)  # it writes nothing to standard error
    assert process.returncode == 0 and summary["good"]
    redone = here.redone(before)
    assert set(redone) <= in_hand and all(n == 1 for n in redone.values())
    assert here.data() == undisturbed, "hidden files too: nothing is left lying there"
    assert here.alive() == []
    computed = {f"{o['stage']} {o['video']}" for o in summary["outcomes"] if o["result"] == "computed"}
    assert computed == {f"{stage} {video}" for stage in STAGES for video in VIDEOS} - recipes


@pytest.mark.parametrize("moment", KILLS_OF_RUNS)
def test_a_run_is_killed(fault_project: Make, undisturbed: dict[str, bytes], moment: str) -> None:
    here, process, _ = begin(fault_project, moment)
    os.kill(process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    assert process.communicate()[1] == ""  # type: ignore[attr-defined]
    here.wait_for_silence()
    check_the_next_run(here, Counter(here.calls()), here.recipes(), undisturbed)


@pytest.mark.parametrize("moment", KILLS_OF_WORKERS)
def test_a_worker_is_killed(fault_project: Make, undisturbed: dict[str, bytes], moment: str) -> None:
    here, process, worker = begin(fault_project, moment)
    assert worker != process.pid  # type: ignore[attr-defined]
    os.kill(worker, signal.SIGKILL)
    summary = here.finish(process)  # type: ignore[arg-type]
    (died,) = (o for o in summary["outcomes"] if o["result"] == "failed")
    assert died["error"].startswith("the worker died (signal 9, SIGKILL, possibly out of memory)")
    others = [o for o in summary["outcomes"] if o["video"] != died["video"]]
    assert all(o["result"] == "computed" for o in others)
    check_the_next_run(here, Counter(here.calls()), here.recipes(), undisturbed)


@pytest.mark.parametrize("moment", INTERRUPTS)
def test_a_run_is_interrupted_by_ctrl_c(
    fault_project: Make, undisturbed: dict[str, bytes], moment: str, record_property: Callable[[str, object], None]
) -> None:
    here, process, _ = begin(fault_project, moment)
    os.killpg(process.pid, signal.SIGINT)  # type: ignore[attr-defined]
    summary = here.finish(process)  # type: ignore[arg-type]
    assert summary["interrupted"] == signal.SIGINT
    check_the_next_run(here, Counter(here.calls()), here.recipes(), undisturbed)
