"""The observer in the run's own process: what it hands on, and that nothing there can fail the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.engine.outcome import Item, Step
from flows.prefect_door import prefect_mirror as module
from flows.prefect_door.engine_adapter import LazyMirror
from tests.flows.prefect_door.scripts import (
    COUNT_ONE,
    READ_ONE,
    READ_TWO,
    blocked,
    failed,
    made,
    make_mirror,
    make_summary,
)


def test_what_happens_becomes_plain_messages_in_its_order() -> None:
    mirror = make_mirror()
    mirror.on_planned([READ_ONE, COUNT_ONE], {READ_ONE: 2.0}, 2)
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_progress(READ_ONE, Step("frames", 1, 2))
    mirror.on_ended(made(READ_ONE), True)
    mirror.on_message(30, "a warning")
    mirror.on_finished(make_summary(made(READ_ONE), index="/x/reports/index.html"))
    messages = json.loads(json.dumps(mirror.take_messages()))
    assert [message[0] for message in messages] == ["planned", "started", "ended", "log", "finished"]
    assert messages[0][2] == [
        ["one", "read", "read one", 2.0, []],
        ["one", "count", "count one", None, [["one", "read"]]],
    ]
    assert messages[2][2]["result"] == "computed"
    assert messages[4][2]["state"] == ["COMPLETED", "Completed", "1 items are good"]
    assert mirror.take_messages() == []


def test_sources_that_are_no_part_of_the_run_are_left_out() -> None:
    mirror = make_mirror()
    mirror.on_planned([COUNT_ONE], {}, 1)
    assert mirror.take_messages()[0][2] == [["one", "count", "count one", None, []]]


def test_a_failure_counts_as_new_only_where_a_worker_took_the_item_up() -> None:
    mirror = make_mirror()
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_ended(failed(READ_ONE, recorded=True), True)
    mirror.on_ended(failed(READ_TWO, recorded=True), True)
    assert [message[2]["new"] for message in mirror.take_messages() if message[0] == "ended"] == [True, False]


def test_a_run_continues_where_the_process_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    mirror = make_mirror(say=lambda _, text: said.append(text))
    mirror.open(tmp_path)
    mirror.on_ended(blocked(COUNT_ONE), True)
    mirror.close()
    assert len(said) == 1
    assert "continues without" in said[0]


def test_a_run_continues_where_the_process_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    real = subprocess.Popen
    monkeypatch.setattr(
        module.subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", "exit(1)"], **options)
    )
    mirror = make_mirror(say=lambda _, text: said.append(text))
    mirror.open(tmp_path)
    for thread in mirror._threads:
        if thread.name == "prefect-listen":
            thread.join(30)
    mirror.on_planned([Item(f"v{n}", "read") for n in range(10_000)], {}, 1)
    mirror.close(1)
    assert said[0] == "Prefect's process ended early; this run continues without it"


def test_the_other_process_asks_this_machine_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.delenv("no_proxy", raising=False)
    environment = module.make_environment(None)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intranet,127.0.0.1,localhost"
    assert os.environ["NO_PROXY"] == "intranet", "what the run itself does is none of the mirror's business"


def test_a_process_that_was_started_for_a_run_with_nothing_to_do_is_ended_and_records_nothing(tmp_path: Path) -> None:
    mirror = LazyMirror(tmp_path, None)
    mirror.on_new_file()
    process = mirror._process
    assert process is not None and process.poll() is None
    mirror.on_new_file()
    assert mirror._process is process, "one process is enough"
    mirror.close()
    assert process.poll() is not None
    assert (tmp_path / module.PREFECT_LOG).read_bytes() == b""
    mirror.close()


def test_the_opening_precedes_what_happened_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = LazyMirror(tmp_path, ["one"])
    monkeypatch.setattr(mirror, "start_process", lambda root: None)
    mirror.on_message(30, "a disk is slow")
    mirror.on_planned([READ_ONE], {}, 1)
    assert [message[0] for message in mirror.take_messages()] == ["open", "log", "planned"]


def test_nothing_is_sent_to_a_process_that_was_started_early_before_the_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, real = tmp_path / "seen", subprocess.Popen
    copy = f"import sys; out = open({str(seen)!r}, 'w'); [print(x, end='', file=out, flush=True) for x in sys.stdin]"
    monkeypatch.setattr(
        module.subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", copy], **options)
    )
    mirror = LazyMirror(tmp_path, None)
    mirror.on_new_file()
    mirror.on_message(30, "a disk is slow")
    time.sleep(3 * module.POLL_S)  # the thread that writes has looked for events by then
    mirror.on_planned([READ_ONE], {}, 1)
    until = time.monotonic() + 30
    while time.monotonic() < until and (not seen.exists() or len(seen.read_text().splitlines()) < 3):
        time.sleep(0.02)
    mirror.kill_process()
    assert [json.loads(line)[0] for line in seen.read_text().splitlines()] == ["open", "log", "planned"]
