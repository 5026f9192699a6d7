"""An item whose workers died twice is put aside as a recorded fault until something that it depends on changes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.recipe import recipe_path
from tests.engine.fault_injection import FaultProject

Make = Callable[..., FaultProject]


def acts(here: FaultProject) -> list[str]:
    return [call for call in here.calls() if call.startswith("act")]


def test_the_second_death_puts_the_item_aside_and_the_video_is_named(fault_project: Make) -> None:
    here = fault_project(bad="segfault", one="plain")
    first, outcomes = here.run()
    assert not outcomes["act bad"].recorded and not first.all_done, "once may be an accident"
    assert not recipe_path(here.root, "act", "bad").exists()
    second, outcomes = here.run()
    words = outcomes["act bad"].error or ""
    assert outcomes["act bad"].recorded and second.all_done and not second.is_good
    assert "signal 11" in words
    assert "put aside after 2 times, until its input, code or parameters change or --retry-failed" in words
    third, outcomes = here.run()
    assert acts(here).count("act bad") == 2, "it is not tried again"
    assert outcomes["act bad"].error == words and third.all_done
    state = Plan.examine_project(here.open()).states[Item("bad", "act")]
    assert (state.status, state.reason) == ("failed", words)


def test_the_next_run_computes_the_other_items_first(fault_project: Make) -> None:
    here = fault_project(a="segfault-once", b="plain", c="plain")
    here.edit("workers: 2", "workers: 1")
    here.run()
    here.edit("times: 2", "times: 3")  # so that the others have something to do
    before = len(here.calls())
    summary, _ = here.run()
    assert summary.is_good
    assert here.calls()[before:] == ["tell b", "tell c", "act a", "tell a"]


def test_a_computed_item_has_no_recorded_deaths(fault_project: Make) -> None:
    here = fault_project(a="segfault-once")
    here.run()
    assert here.open().state.read_deaths()
    assert here.run()[0].is_good
    assert not here.open().state.read_deaths()


def died_twice(here: FaultProject) -> None:
    here.run()
    summary, outcomes = here.run()
    assert summary.all_done and outcomes["act bad"].recorded


def test_changed_parameters_make_the_item_run_again(fault_project: Make) -> None:
    here = fault_project(bad="segfault", one="plain")
    died_twice(here)
    here.edit("careful: false", "careful: true")
    assert here.run()[0].is_good


def test_a_changed_input_makes_the_item_run_again(fault_project: Make) -> None:
    here = fault_project(bad="segfault", one="plain")
    died_twice(here)
    here.film("bad", "plain")
    assert here.run()[0].is_good


def test_retry_failed_makes_the_item_run_again_and_resets_its_deaths(fault_project: Make) -> None:
    here = fault_project(bad="segfault", one="plain")
    died_twice(here)
    summary, outcomes = here.run(retry_failed=True)
    assert acts(here).count("act bad") == 3
    assert not outcomes["act bad"].recorded and not summary.all_done
    assert outcomes["tell one"].result == "reused"


def test_changed_code_makes_the_item_run_again(
    fault_project: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In processes of their own: this one has imported the code as it was.
    here = fault_project(bad="segfault", one="plain")
    copy = tmp_path / "code/risky"
    copy.mkdir(parents=True)
    (copy / "__init__.py").write_text("")
    shutil.copy(Path(sys.modules["tests.engine.kill_scenarios"].__file__ or ""), copy / "stages.py")
    run = {"pipeline": "risky.stages:STAGES", "path": [str(copy.parent)]}
    outcomes = [here.finish(here.start(**run))["outcomes"] for _ in range(2)]
    assert [o["recorded"] for found in outcomes for o in found if (o["stage"], o["video"]) == ("act", "bad")] == [
        False,
        True,
    ]
    text = (copy / "stages.py").read_text()
    (copy / "stages.py").write_text(
        text.replace('case "segfault":\n            ctypes.string_at(0)', 'case "-":\n            pass')
    )
    assert here.finish(here.start(**run))["good"]


@pytest.mark.parametrize("way", ["hang", "eat"])
def test_an_item_that_hangs_or_uses_too_much_memory_is_put_aside_too(fault_project: Make, way: str) -> None:
    here = fault_project(bad=way)
    here.edit("item_timeout_s: 0", "item_timeout_s: 1")
    here.edit("worker_memory_gb: 0", "worker_memory_gb: 0.4")
    died_twice(here)
    here.run()
    assert acts(here).count("act bad") == 2
