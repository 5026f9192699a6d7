"""Worker processes: a crash, hang or excessive memory use fails only that item, with a message."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from flows.engine import run_items
from flows.engine.outcome import Item, Outcome, Step, Summary
from tasks.errors import SemflowError
from tests.engine import kill_scenarios
from tests.engine.fault_injection import FaultProject

Make = Callable[..., FaultProject]


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.order: list[Item] = []
        self.starts: list[tuple[Item, int, int]] = []
        self.steps: list[tuple[Item, Step]] = []
        self.ends: list[tuple[Outcome, bool]] = []
        self.words: list[tuple[int, str]] = []
        self.summaries: list[Summary] = []

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        self.order += items

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        self.starts.append((item, worker, attempt))

    def on_progress(self, item: Item, step: Step) -> None:
        self.steps.append((item, step))

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        self.ends.append((outcome, final))

    def on_message(self, level: int, message: str) -> None:
        self.words.append((level, message))

    def on_finished(self, summary: Summary) -> None:
        self.summaries.append(summary)


def test_worker_processes_compute_everything_and_exit_with_the_run(fault_project: Make) -> None:
    here = fault_project(one="plain", two="plain")
    summary, outcomes = here.run()
    assert summary.is_good and len(outcomes) == 6
    assert {outcome.result for outcome in outcomes.values()} == {"computed"}
    assert (here.root / "data/scenes/two/0.txt").read_text() == "plain"
    assert sorted(here.calls()) == sorted(outcomes)
    assert here.alive() == []
    assert not list(here.root.rglob(".partial")) and not list(here.root.rglob("*.tmp"))
    again, _ = here.run()
    assert again.is_good and len(here.calls()) == 6


DEATHS = {
    "segfault": "the worker died (signal 11, SIGSEGV)",
    "die": "the worker died (exit code 3)",
    "exit": "SystemExit: 3",
    "raise": "RuntimeError: a bug",
    "fault": "the film must have frames, got none; replace or remove it",
}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stage_that_kills_its_process_fails_that_item_and_the_others_continue(
    fault_project: Make, workers: int
) -> None:
    here = fault_project(**{f"bad_{deed}": deed for deed in DEATHS}, one="plain", two="plain")
    here.edit("workers: 2", f"workers: {workers}")
    _, outcomes = here.run()
    for deed, words in DEATHS.items():
        failed, after = outcomes.pop(f"act bad_{deed}"), outcomes.pop(f"tell bad_{deed}")
        assert failed.result == "failed" and (failed.error or "").startswith(words)
        assert failed.recorded == (deed == "fault")
        assert after.result == "blocked" and after.error == "after act"
        assert not (here.root / f"data/deeds/bad_{deed}.txt").exists()
    assert all(outcome.is_good for outcome in outcomes.values()), "nothing else is lost"
    assert here.alive() == []


def test_the_log_of_a_dead_worker_is_kept(fault_project: Make) -> None:
    here = fault_project(bad="segfault", one="plain", two="plain")
    here.edit("workers: 2", "workers: 1")
    _, outcomes = here.run()
    words = outcomes["act bad"].error or ""
    log = Path(words.rpartition(" ")[2])
    assert "Segmentation fault" in log.read_text(), "the next worker must not write over it"
    assert "kill_scenarios.py" in log.read_text(), "where it happened"


@pytest.mark.parametrize("deed", ["abandon", "abandon-fork"])
def test_child_processes_of_a_dead_worker_are_killed(fault_project: Make, deed: str) -> None:
    here = fault_project(bad=deed, one="plain")
    _, outcomes = here.run()
    assert (outcomes["act bad"].error or "").startswith("the worker died (signal 11, SIGSEGV)")
    assert outcomes["tell one"].is_good
    here.wait_for_silence()


def test_an_item_that_hangs_is_killed_after_the_time_limit(fault_project: Make) -> None:
    here = fault_project(bad="hang", one="plain")
    here.edit("item_timeout_s: 0", "item_timeout_s: 2")
    _, outcomes = here.run()
    assert outcomes["act bad"].error == (
        "took longer than 2 s and was ended; if that is right for it, raise compute.item_timeout_s"
    )
    assert outcomes["tell one"].is_good
    assert here.alive() == []


def test_an_item_that_uses_too_much_memory_is_killed(fault_project: Make) -> None:
    here = fault_project(bad="eat", one="plain")
    here.edit("worker_memory_gb: 0", "worker_memory_gb: 0.4")
    _, outcomes = here.run()
    assert outcomes["act bad"].error == (
        "used more than 0.4 GB of memory and was ended; raise compute.worker_memory_gb, or lower compute.workers"
    )
    assert outcomes["tell one"].is_good
    assert here.alive() == []


def test_a_transient_error_is_retried_successfully(fault_project: Make) -> None:
    here, listener = fault_project(shaky="stumble 2", one="plain"), Listener()
    summary, outcomes = here.run(observers=[listener])
    assert summary.is_good
    assert outcomes["act shaky"].result == "computed"
    assert [attempt for item, _, attempt in listener.starts if item == Item("shaky", "act")] == [1, 2, 3]
    ends = [(o.error, final) for o, final in listener.ends if o.item == Item("shaky", "act")]
    assert ends == [("OSError: [Errno 5] Input/output error", False)] * 2 + [(None, True)]


def test_a_persistent_transient_error_fails_and_is_retried_by_the_next_run(fault_project: Make) -> None:
    here = fault_project(shaky="stumble 3")
    summary, outcomes = here.run()
    assert outcomes["act shaky"].error == "OSError: [Errno 5] Input/output error"
    assert not summary.all_done
    assert here.calls().count("act shaky") == 3
    again, _ = here.run()
    assert again.is_good


def test_the_delays_before_the_second_and_third_attempt() -> None:
    # The other tests do not wait; what they replace has these values.
    source = Path(run_items.__file__).read_text()
    assert "RETRY_DELAYS_S = (1.0, 10.0)" in source


def test_a_bug_is_not_retried_in_the_same_run_and_its_traceback_is_logged(fault_project: Make) -> None:
    here = fault_project(bad="raise")
    here.run()
    assert here.calls().count("act bad") == 1
    text = (here.root / ".semflow/errors.log").read_text()
    assert "act bad" in text and 'raise RuntimeError("a bug")' in text


@pytest.mark.parametrize("way", ["raise", "segfault"])
def test_workers_that_cannot_start_end_the_run_with_one_error(
    fault_project: Make, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    here = fault_project(one="plain", two="plain")
    here.open()
    monkeypatch.setenv(kill_scenarios.BREAK, way)
    with pytest.raises(SemflowError, match="workers must start") as error:
        here.run()
    words = str(error.value)
    assert "\n" not in words
    if way == "raise":
        assert "(RuntimeError: no such library: libperil.so)" in words
    assert "Traceback" in Path(words.rpartition(" ")[2]).read_text() or way == "segfault"
    assert here.alive() == []
    monkeypatch.delenv(kill_scenarios.BREAK)
    assert here.run()[0].is_good, "no item was blamed for it"


def test_log_records_of_a_stage_are_forwarded_and_its_prints_go_to_the_worker_log(
    fault_project: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    here, listener = fault_project(dark="warn", loud="chatter"), Listener()
    summary, _ = here.run(observers=[listener])
    assert summary.is_good
    assert (logging.WARNING, "the film is dark") in listener.words
    printed = capfd.readouterr()
    assert "to standard" not in printed.out + printed.err


def test_observers_receive_the_progress_of_items(fault_project: Make) -> None:
    here, listener = fault_project(one="step"), Listener()
    here.run(observers=[listener])
    assert {item for item, _ in listener.steps} == {Item("one", "act")}
    assert {step.what for _, step in listener.steps} == {"paces"}
    assert listener.steps[-1][1].done == listener.steps[-1][1].total == kill_scenarios.STEPS


def test_observers_receive_every_outcome_once_and_the_end(fault_project: Make) -> None:
    here, listener = fault_project(bad="segfault", one="plain"), Listener()
    summary, outcomes = here.run(observers=[listener])
    assert {str(item) for item in listener.order} == set(outcomes)
    finals = [str(outcome.item) for outcome, final in listener.ends if final]
    assert sorted(finals) == sorted(outcomes)
    assert {worker for _, worker, _ in listener.starts} <= {0, 1}
    assert listener.summaries == [summary]
