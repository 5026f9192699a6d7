"""How far a run is, in percent and words."""

from __future__ import annotations

import time

from flows.prefect_door.prefect_progress import FlowRunProgress


def test_progress_goes_by_the_seconds_that_items_were_expected_to_take() -> None:
    progress = FlowRunProgress(time.time() - 100)
    progress.add_expected({("one", "decode"): 30.0, ("one", "fit_field"): 60.0})
    progress.add_expected({("two", "decode"): 30.0})
    progress.count_done(("one", "decode"))
    percent, words = progress.summarize()
    assert percent == 25
    assert words == "1 of 3 items, 0.01 items/s, about 300 s left"


def test_items_of_unknown_length_count_as_the_mean_and_strangers_not_at_all() -> None:
    progress = FlowRunProgress(time.time() - 1)
    progress.add_expected({("one", "a"): 10.0, ("one", "b"): None})
    progress.count_done(("one", "b"))
    progress.count_done(("nobody", "a"))
    assert progress.summarize()[0] == 50


def test_a_run_with_everything_settled_or_nothing_to_do_is_at_its_end() -> None:
    progress = FlowRunProgress(time.time())
    assert progress.summarize() == (100.0, "0 of 0 items")
    progress.add_expected({("one", "a"): 0.0})
    assert progress.summarize()[0] == 0
    progress.count_done(("one", "a"))
    assert progress.summarize()[0] == 100


def test_progress_is_shown_now_and_then() -> None:
    progress = FlowRunProgress(time.time())
    assert progress.is_due()
    assert not progress.is_due()
