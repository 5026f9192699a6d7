"""What is left of a run, from what earlier runs took and what this one measured."""

from __future__ import annotations

from typing import Any

import pytest

from flows.cli.run_progress import PRIOR_ITEMS, Tally
from flows.engine.outcome import Item, Outcome

NOTHING: dict[Item, float] = {}


def items(stage: str, count: int) -> list[Item]:
    return [Item(f"v{n}", stage) for n in range(count)]


def end(tally: Tally, item: Item, seconds: float, result: Any = "computed") -> None:
    tally.end(Outcome(item.video, item.stage, result, seconds))


def seconds_left(tally: Tally, in_hand: dict[Item, float] = NOTHING) -> float:
    left = tally.time_left(in_hand)
    assert left is not None
    return left.seconds


def test_what_is_left_is_shared_among_the_workers() -> None:
    detect = items("detect", 10)
    tally = Tally.of(detect, dict.fromkeys(detect, 8.0), workers=4)
    assert seconds_left(tally) == 20
    for item in detect[:8]:
        end(tally, item, 8.0)
    assert seconds_left(tally) == 8, "two items keep two workers busy, not four"


def test_the_item_that_takes_longest_bounds_it() -> None:
    some = [*items("report", 4), Item("v0", "fit")]
    tally = Tally.of(some, {**dict.fromkeys(some, 1.0), some[-1]: 60.0}, workers=5)
    assert seconds_left(tally, {some[-1]: 10.0}) == 50


def test_time_in_hand_counts_but_not_below_nothing() -> None:
    detect = items("detect", 2)
    tally = Tally.of(detect, dict.fromkeys(detect, 10.0), workers=1)
    assert seconds_left(tally, {detect[0]: 4.0}) == 16
    assert seconds_left(tally, {detect[0]: 400.0}) == 10


@pytest.mark.parametrize("ended", [1, 10, 90])
def test_a_run_that_is_twice_as_slow_bends_the_expectation_the_more_the_longer_it_lasts(ended: int) -> None:
    detect = items("detect", 100)
    tally = Tally.of(detect, dict.fromkeys(detect, 5.0), workers=1)
    for item in detect[:ended]:
        end(tally, item, 10.0)
    factor = (PRIOR_ITEMS + 2 * ended) / (PRIOR_ITEMS + ended)
    assert seconds_left(tally) == pytest.approx((100 - ended) * 5.0 * factor)


def test_stages_are_measured_apart() -> None:
    some = [*items("detect", 2), *items("track", 2)]
    tally = Tally.of(some, {}, workers=1)
    end(tally, some[0], 30.0)
    end(tally, some[2], 1.0)
    assert seconds_left(tally) == 31


def test_an_item_that_nobody_knows_takes_the_mean_of_its_stage() -> None:
    detect = items("detect", 4)
    tally = Tally.of(detect, {detect[0]: 3.0, detect[1]: 5.0}, workers=1)
    assert seconds_left(tally) == 3 + 5 + 4 + 4
    tally = Tally.of(detect, {}, workers=1)
    end(tally, detect[0], 2.0)
    end(tally, detect[1], 4.0)
    assert seconds_left(tally) == 6


def test_where_a_stage_is_not_known_it_is_at_least_the_rest() -> None:
    some = [*items("detect", 2), *items("fit", 1)]
    tally = Tally.of(some, {some[0]: 3.0}, workers=1)
    left = tally.time_left({})
    assert left is not None and left.at_least and str(left) == "at least 6.0 s left"
    assert Tally.of(some, {}, workers=1).time_left({}) is None


def test_failures_and_blocked_items_end_but_teach_nothing() -> None:
    detect = items("detect", 4)
    tally = Tally.of(detect, dict.fromkeys(detect, 10.0), workers=1)
    end(tally, detect[0], 0.1, "failed")
    end(tally, detect[1], 0.0, "blocked")
    assert (tally.done, tally.worked) == (2, 1)
    assert seconds_left(tally) == 20


def test_items_that_were_not_planned_are_counted_and_a_plan_of_nothing_has_nothing_left() -> None:
    tally = Tally.of([], {}, workers=0)
    end(tally, Item("v", "detect"), 1.0)
    assert (tally.done, tally.total) == (1, 1) and tally.time_left({}) is None
