"""An interrupted run keeps finished items, drops running ones, and leaves no process."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest

from flows.engine.outcome import Item, Outcome, Step, Summary
from tasks.errors import SemflowError
from tests.engine.fault_injection import FaultProject

Make = Callable[..., FaultProject]
FILMS = {"a": "plain", "b": "plain", "c": "plain"}
MOMENTS = ("act b computing 1", "act b writing 1", "moving scenes b", "act b recording 1", "act b recording 2")
"""While a worker computes or writes, between the two artifacts of an item, before and after its recipe is in place."""


def rest(here: FaultProject) -> set[str]:
    """The items that have no recipe."""
    return {f"{stage} {video}" for stage in ("read", "act", "tell") for video in FILMS} - here.recipes()


@pytest.mark.parametrize(
    ("number", "moment"),
    [*((signal.SIGINT, moment) for moment in MOMENTS), (signal.SIGTERM, MOMENTS[1]), (signal.SIGHUP, MOMENTS[1])],
)
def test_a_signal_ends_the_run_with_a_summary_and_the_next_run_makes_the_rest(
    fault_project: Make, number: signal.Signals, moment: str
) -> None:
    here = fault_project(**FILMS)
    here.stop_at(moment)
    process = here.start()
    here.wait_for_stop(process)
    os.killpg(process.pid, number)  # as a terminal does: the workers have a session of their own
    summary = here.finish(process)
    assert process.returncode == 128 + number
    assert summary["interrupted"] == number
    assert not summary["good"]
    left = rest(here)
    stopped = {f"{o['stage']} {o['video']}" for o in summary["outcomes"] if o["result"] == "stopped"}
    assert stopped == left != set()
    assert len(summary["outcomes"]) == 9
    here.wait_for_silence()
    assert not list(here.root.rglob(".partial")) and not list(here.root.rglob("*.tmp"))
    before = len(here.calls())
    again, outcomes = here.run()
    assert again.is_good
    assert set(here.calls()[before:]) == left and len(here.calls()) == before + len(left)
    assert {name for name, outcome in outcomes.items() if outcome.result == "computed"} == left


def test_only_the_first_of_two_signals_counts(fault_project: Make) -> None:
    here = fault_project(**FILMS)
    here.stop_at("act b computing 1")
    process = here.start()
    here.wait_for_stop(process)
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGTERM)
    os.killpg(process.pid, signal.SIGINT)
    assert here.finish(process)["interrupted"] in (signal.SIGINT, signal.SIGTERM)
    here.wait_for_silence()


class Sender:
    """Sends a signal to this process when something happens."""

    def __init__(self, when: str) -> None:
        self.when = when

    def _maybe(self, what: str) -> None:
        if what == self.when:
            self.when = ""
            signal.raise_signal(signal.SIGINT)

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        self._maybe("planned")

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        self._maybe("started")

    def on_progress(self, item: Item, step: Step) -> None:
        self._maybe("progressed")

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        self._maybe("ended")

    def on_message(self, level: int, message: str) -> None:
        self._maybe("said")

    def on_finished(self, summary: Summary) -> None:
        self._maybe("finished")


@pytest.mark.parametrize("when", ["planned", "started", "ended", "finished"])
def test_a_signal_at_any_time_never_propagates_out_of_a_run(fault_project: Make, when: str) -> None:
    here = fault_project(one="plain")
    before = signal.getsignal(signal.SIGINT)
    summary, outcomes = here.run(observers=[Sender(when)])
    assert len(outcomes) == 3
    assert summary.interrupted == (0 if when == "finished" else signal.SIGINT), "all was done when the last one came"
    assert signal.getsignal(signal.SIGINT) is before
    assert here.alive() == []
    assert here.run()[0].is_good


def test_a_run_stops_when_requested(fault_project: Make) -> None:
    here = fault_project(**FILMS)
    summary, outcomes = here.run(stopped=lambda: len(here.calls()) > 2)
    assert summary.interrupted == signal.SIGTERM
    assert {name for name, outcome in outcomes.items() if outcome.result == "stopped"} == rest(here) != set()
    assert here.alive() == []
    assert here.run()[0].is_good


def test_of_two_runs_at_once_the_second_is_refused_in_a_line(fault_project: Make) -> None:
    here = fault_project(**FILMS)
    here.stop_at("act b computing 1")
    first = here.start()
    here.wait_for_stop(first)
    second = here.start()
    out, err = second.communicate(timeout=120)
    words = (
        f"{here.root} must have one run at a time, got another one under way (process {first.pid}); wait for it to end"
    )
    assert (second.returncode, err) == (2, f"semflow: {words}\n")
    assert json.loads(out) == {"error": words, "good": False}
    with pytest.raises(SemflowError, match="one run at a time"):
        here.run()
    os.kill(first.pid, signal.SIGINT)
    assert here.finish(first)["interrupted"] == signal.SIGINT
    assert here.run()[0].is_good, "nothing has to be removed by hand"


def test_workers_die_with_a_run_that_is_killed(fault_project: Make) -> None:
    here = fault_project(**FILMS)
    here.stop_at("act b writing 1")
    process = here.start()
    here.wait_for_stop(process)
    assert len(here.alive()) >= 2
    before = Counter(here.calls())
    left = rest(here)
    os.kill(process.pid, signal.SIGKILL)
    assert process.communicate()[1] == ""
    here.wait_for_silence()
    assert not (here.root / "data/deeds/b.txt").exists()
    assert here.run()[0].is_good
    assert set(here.redone(before)) <= left
    assert not list(here.root.rglob(".partial"))
