"""What `semflow status` says, while a run is at work and after it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from flows.engine.outcome import Item, Outcome, Step
from flows.engine.project_lock import hold_lock_file
from flows.engine.status_file import StatusFile, read_status
from flows.maintenance.status import find_lock_holder, read_last_run
from tests.engine import toys
from tests.maintenance.conftest import Repository


def test_before_the_first_run_everything_is_stale_and_no_run_is_known(repository: Repository) -> None:
    found = repository.semflow("status")
    assert found["run"] is None
    assert found["last_run"] is None
    assert found["items"]["stale"] == 8
    assert "no run is under way" in repository.says("status")


def test_after_a_run_it_names_the_failures_and_why_items_are_put_aside(repository: Repository) -> None:
    (repository.root / "data/raw/bad.mp4").write_text("")
    (repository.root / "data/raw/crash.mp4").write_text("crash")
    repository.run()
    found = repository.semflow("status", code=1)
    assert found["items"] == {"fresh": 9 + 1, "remote": 0, "dropped": 0, "stale": 2, "failed": 1, "blocked": 3}
    assert [(item["stage"], item["video"]) for item in found["put_aside"]] == [("read", "bad")]
    assert "must hold text" in found["put_aside"][0]["reason"]
    failures = {(item["stage"], item["video"]): item["error"] for item in found["last_run"]["failures"]}
    assert set(failures) == {("read", "bad"), ("count", "crash")}
    assert failures["count", "crash"] == "RuntimeError: a bug"
    words = repository.says("status", code=1)
    assert "failed read bad: bad.mp4 must hold text" in words
    assert "failed count crash: RuntimeError: a bug" in words


def test_space_is_counted_by_what_takes_it(repository: Repository) -> None:
    repository.run()
    found = repository.semflow("status")["bytes"]
    assert found["raw"] == len("banana") + len("cat")
    files = list((repository.root / "data").rglob("*.txt"))
    assert found["artifacts"] == sum(path.stat().st_size for path in files)
    assert found["cache"] > found["artifacts"]


def test_a_run_that_did_nothing_leaves_the_last_one_on_show(repository: Repository) -> None:
    repository.run()
    before = repository.semflow("status")["last_run"]
    repository.run()
    assert toys.CALLS == []
    assert repository.semflow("status")["last_run"] == before
    assert before["counts"] == {"computed": 8}


def test_a_half_written_last_line_of_the_run_log_is_passed_over(repository: Repository) -> None:
    repository.run()
    log = repository.root / ".semflow/runs.jsonl"
    log.write_text(log.read_text() + '{"at": "2')
    found = read_last_run(repository.root)
    assert found is not None
    assert found["counts"] == {"computed": 8}


def test_a_long_run_log_is_read_from_its_end(repository: Repository) -> None:
    log = repository.root / ".semflow/runs.jsonl"
    log.parent.mkdir(exist_ok=True)
    entry = {"at": "", "host": "h", "seconds": 1, "good": True, "outcomes": [], "padding": "x" * 100_000}
    log.write_text("".join(json.dumps({**entry, "at": str(n)}) + "\n" for n in range(3)))
    found = read_last_run(repository.root)
    assert found is not None
    assert found["at"] == "2"


def test_while_a_process_holds_the_project_it_is_named_with_what_it_makes(repository: Repository) -> None:
    lock = repository.root / ".semflow/lock"
    with hold_lock_file(lock) as mine:
        assert mine
        assert find_lock_holder(repository.root) is not None
        observer = StatusFile(repository.root)
        items = [Item("one", "read"), Item("one", "count"), Item("two", "read")]
        observer.on_planned(items, {items[0]: 5.0, items[1]: 5.0}, 1)
        observer._written = 0.0
        observer.on_started(items[1], 0, 1)
        observer._written = 0.0
        observer.on_progress(items[1], Step("pages", 3, 7))
        observer._written = 0.0
        observer.on_ended(Outcome("one", "read", "failed", error="no text"), True)
        found = repository.semflow("status")["run"]
        assert found["pid"] == os.getpid()
        assert (found["run"]["done"], found["run"]["total"]) == (1, 3)
        assert found["run"]["in_hand"][0]["stage"] == "count"
        words = repository.says("status")
    assert f"process {os.getpid()}" in words
    assert "1 of 3 items done" in words
    assert "running: count one for" in words
    assert "pages 3/7" in words
    assert "failed read one: no text" in words
    assert find_lock_holder(repository.root) is None


def test_what_a_dead_run_left_is_taken_for_no_run(repository: Repository) -> None:
    lock = repository.root / ".semflow/lock"
    lock.parent.mkdir(exist_ok=True)
    for text in ("999999999", str(os.getpid()), "", "words"):
        lock.write_text(text)
        assert find_lock_holder(repository.root) is None


def test_the_status_file_is_written_at_most_once_a_second(tmp_path: Path) -> None:
    (tmp_path / ".semflow").mkdir()
    observer = StatusFile(tmp_path)
    observer.on_planned([Item("a", "read")], {}, 1)
    first = read_status(tmp_path)
    observer._written = time.time() + 1000
    observer.on_started(Item("a", "read"), 0, 1)
    assert read_status(tmp_path) == first
    observer._written = 0.0
    observer.on_started(Item("a", "read"), 0, 1)
    after = read_status(tmp_path)
    assert after is not None
    assert after["in_hand"][0]["video"] == "a"


def test_a_finished_run_says_so_in_its_file(repository: Repository) -> None:
    repository.run()
    status = read_status(repository.root)
    assert status is not None
    assert status["finished"]
    assert (status["done"], status["total"], status["in_hand"]) == (8, 8, [])
