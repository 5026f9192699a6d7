"""What is left of a run, from what earlier runs took and what this one measured."""

from __future__ import annotations

from typing import Any

import pytest

from flows.cli.run_progress import PRIOR_ITEMS, RunProgress
from flows.engine.outcome import Item, Outcome

NOTHING: dict[Item, float] = {}


def items(stage: str, count: int) -> list[Item]:
    return [Item(f"v{n}", stage) for n in range(count)]


def end(progress: RunProgress, item: Item, seconds: float, result: Any = "computed") -> None:
    progress.record_outcome(Outcome(item.video, item.stage, result, seconds))


def seconds_left(progress: RunProgress, in_hand: dict[Item, float] = NOTHING) -> float:
    left = progress.time_left(in_hand)
    assert left is not None
    return left.seconds


def test_what_is_left_is_shared_among_the_workers() -> None:
    detect = items("detect", 10)
    progress = RunProgress.from_plan(detect, dict.fromkeys(detect, 8.0), workers=4)
    assert seconds_left(progress) == 20
    for item in detect[:8]:
        end(progress, item, 8.0)
    assert seconds_left(progress) == 8, "two items keep two workers busy, not four"


def test_the_item_that_takes_longest_bounds_it() -> None:
    some = [*items("report", 4), Item("v0", "fit")]
    progress = RunProgress.from_plan(some, {**dict.fromkeys(some, 1.0), some[-1]: 60.0}, workers=5)
    assert seconds_left(progress, {some[-1]: 10.0}) == 50


def test_time_in_progress_counts_but_not_below_nothing() -> None:
    detect = items("detect", 2)
    progress = RunProgress.from_plan(detect, dict.fromkeys(detect, 10.0), workers=1)
    assert seconds_left(progress, {detect[0]: 4.0}) == 16
    assert seconds_left(progress, {detect[0]: 400.0}) == 10


@pytest.mark.parametrize("ended", [1, 10, 90])
def test_a_run_that_is_twice_as_slow_bends_the_expectation_the_more_the_longer_it_lasts(ended: int) -> None:
    detect = items("detect", 100)
    progress = RunProgress.from_plan(detect, dict.fromkeys(detect, 5.0), workers=1)
    for item in detect[:ended]:
        end(progress, item, 10.0)
    factor = (PRIOR_ITEMS + 2 * ended) / (PRIOR_ITEMS + ended)
    assert seconds_left(progress) == pytest.approx((100 - ended) * 5.0 * factor)


def test_stages_are_measured_apart() -> None:
    some = [*items("detect", 2), *items("track", 2)]
    progress = RunProgress.from_plan(some, {}, workers=1)
    end(progress, some[0], 30.0)
    end(progress, some[2], 1.0)
    assert seconds_left(progress) == 31


def test_an_item_that_nobody_knows_takes_the_mean_of_its_stage() -> None:
    detect = items("detect", 4)
    progress = RunProgress.from_plan(detect, {detect[0]: 3.0, detect[1]: 5.0}, workers=1)
    assert seconds_left(progress) == 3 + 5 + 4 + 4
    progress = RunProgress.from_plan(detect, {}, workers=1)
    end(progress, detect[0], 2.0)
    end(progress, detect[1], 4.0)
    assert seconds_left(progress) == 6


def test_where_a_stage_is_not_known_it_is_at_least_the_rest() -> None:
    some = [*items("detect", 2), *items("fit", 1)]
    progress = RunProgress.from_plan(some, {some[0]: 3.0}, workers=1)
    left = progress.time_left({})
    assert left is not None and left.at_least and str(left) == "at least 6.0 s left"
    assert RunProgress.from_plan(some, {}, workers=1).time_left({}) is None


def test_failures_and_blocked_items_end_but_teach_nothing() -> None:
    detect = items("detect", 4)
    progress = RunProgress.from_plan(detect, dict.fromkeys(detect, 10.0), workers=1)
    end(progress, detect[0], 0.1, "failed")
    end(progress, detect[1], 0.0, "blocked")
    assert (progress.done, progress.worked) == (2, 1)
    assert seconds_left(progress) == 20


def test_items_that_were_not_planned_are_counted_and_a_plan_of_nothing_has_nothing_left() -> None:
    progress = RunProgress.from_plan([], {}, workers=0)
    end(progress, Item("v", "detect"), 1.0)
    assert (progress.done, progress.total) == (1, 1) and progress.time_left({}) is None
