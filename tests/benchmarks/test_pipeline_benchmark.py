"""The benchmark of the pipeline: what counts as time in models, and which figures are marked as worse."""

from __future__ import annotations

import time

import pytest

from benchmarks.pipeline.command import RED, render_table, summarize
from benchmarks.pipeline.measure import StageCost, VideoCost, keep_everything
from benchmarks.pipeline.model_clock import ModelClock, TimedObject


def spend(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_a_call_within_a_timed_call_counts_once() -> None:
    clock = ModelClock()
    inner = clock.wrap(spend)
    outer = clock.wrap(lambda: inner(0.02) or spend(0.02))
    began = time.process_time()
    outer()
    took = time.process_time() - began
    spend(0.02)
    assert 0.04 <= clock.seconds <= took


def test_an_object_is_timed_in_one_method_alone() -> None:
    class Flow:
        name = "dis"

        def calc(self, seconds: float) -> str:
            spend(seconds)
            return "flow"

    clock = ModelClock()
    timed = TimedObject(Flow(), "calc", clock)
    assert timed.calc(0.01) == "flow" and timed.name == "dis"
    assert clock.seconds >= 0.01


def test_figures_are_per_second_and_per_hour_of_film_and_worse_ones_are_marked() -> None:
    stages = {"decode": StageCost(4.0, 1.0, 10**6), "fit_field": StageCost(16.0, 2.0, 10**5)}
    figures = summarize([VideoCost(2.0, 60, stages), VideoCost(2.0, 60, stages)])
    assert figures["decode: processor s per s"] == 2.0
    assert figures["decode: GB per hour"] == pytest.approx(1.8)
    assert figures["all stages: processor s per s"] == 10.0
    assert figures["without fit_field: outside models"] == 0.75
    before = {"decode: processor s per s": 1.7, "all stages: processor s per s": 9.0}
    marked = [line for line in render_table(figures, before).splitlines() if line.startswith(RED)]
    assert len(marked) == 1 and "decode: processor" in marked[0] and "1.7" in marked[0]


def test_all_artifacts_stay_for_their_sizes() -> None:
    text = "compute:\n  workers: 0\n  recompute: [decode]\ntrack:\n  workers: 3\n"
    assert keep_everything(text) == "compute:\n  workers: 1\n  recompute: []\ntrack:\n  workers: 3\n"
