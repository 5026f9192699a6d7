"""The state that a run ends in, and its table."""

from __future__ import annotations

import signal

from flows.engine.outcome import Item, Outcome
from flows.prefect_door.flow_run_state import FAULTS_ON_RECORD, MAX_ROWS, decide_final_state, make_result_table
from tests.flows.prefect_door.scripts import COUNT_ONE, READ_ONE, READ_TWO, blocked, failed, made, make_summary


def test_a_run_whose_items_are_all_good_is_completed() -> None:
    verdict = decide_final_state(make_summary(made(READ_ONE), made(READ_TWO)), {READ_ONE})
    assert (verdict.type, verdict.name, verdict.message) == ("COMPLETED", "Completed", "2 items are good")


def test_a_new_failure_fails_the_run_and_is_named() -> None:
    verdict = decide_final_state(
        make_summary(failed(READ_ONE), blocked(COUNT_ONE), made(READ_TWO)), {READ_ONE, READ_TWO}
    )
    assert verdict.type == "FAILED"
    assert verdict.message == "2 of 3 items are not good, 1 newly; first read one: the file is cut off"


def test_faults_that_lay_recorded_before_the_run_leave_it_completed_under_another_name() -> None:
    summary = make_summary(failed(READ_ONE, recorded=True), blocked(COUNT_ONE, recorded=True), made(READ_TWO))
    verdict = decide_final_state(summary, {READ_TWO})
    assert (verdict.type, verdict.name) == ("COMPLETED", FAULTS_ON_RECORD)
    assert verdict.message == "1 of 3 items are good; 1 faults on record as before"


def test_a_fault_that_was_recorded_in_this_very_run_is_new() -> None:
    assert decide_final_state(make_summary(failed(READ_ONE, recorded=True)), {READ_ONE}).type == "FAILED"


def test_an_item_blocked_by_nothing_on_record_fails_the_run() -> None:
    assert decide_final_state(make_summary(blocked(COUNT_ONE)), set()).type == "FAILED"


def test_an_interrupted_run_is_cancelled_whatever_it_made() -> None:
    verdict = decide_final_state(make_summary(made(READ_ONE), interrupted=signal.SIGINT), {READ_ONE})
    assert (verdict.type, verdict.message) == ("CANCELLED", "stopped by signal 2; 1 of 1 items are good")


def test_a_long_reason_is_cut_in_the_message() -> None:
    assert len(decide_final_state(make_summary(failed(READ_ONE, "x" * 100_000)), {READ_ONE}).message) < 400


def test_the_table_of_a_small_run_has_a_row_per_item() -> None:
    rows = make_result_table([made(READ_ONE), failed(READ_TWO)])
    assert [(row["video"], row["stage"], row["result"], row["error"]) for row in rows] == [
        ("one", "read", "computed", ""),
        ("two", "read", "failed", "the file is cut off"),
    ]


def test_the_table_of_a_big_run_counts_by_stage_and_lists_failures_before_what_they_block() -> None:
    good = [Outcome(f"v{n}", "read", "reused") for n in range(10 * MAX_ROWS)]
    bad = [blocked(Item(f"w{n}", "count")) for n in range(MAX_ROWS)] + [failed(READ_ONE)]
    rows = make_result_table([*good, *bad])
    assert len(rows) == MAX_ROWS + 2
    assert rows[0]["video"] == "5001 items"
    assert rows[0]["result"] == "5000 reused, 1 failed"
    assert rows[2]["result"] == "failed"
