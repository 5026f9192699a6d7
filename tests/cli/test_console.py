"""What the terminal shows of runs and plans: of three videos and of a thousand, within the width there is."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows.cli.console import MAX_LINES, count_states, show_plan, show_summary
from flows.cli.plan_line import PlanLine
from flows.engine.outcome import Item, Outcome, Summary
from tasks.artifacts.artifact import DATASET_ITEM

STAGES = ("decode", "extract_features", "fit_axes")


def summary_of(*outcomes: Outcome, seconds: float = 9.0, **more: Any) -> Summary:
    return Summary(outcomes, seconds, (), {}, **{"index": "", **more})


def printed(summary: Summary, width: int = 80) -> list[str]:
    out = io.StringIO()
    show_summary(Console(file=out, width=width), summary, STAGES)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def run_of(videos: int, width: int = 80) -> list[str]:
    """What is printed of a run that decoded videos, could not see the second, and found the rest as it was."""
    outcomes = [Outcome(DATASET_ITEM, "fit_axes", "reused")]
    for number in range(videos):
        outcomes.append(Outcome(f"video_{number}", "decode", "computed", 2.0, 60))
        seen = "failed" if number == 1 else "reused"
        outcomes.append(Outcome(f"video_{number}", "extract_features", seen, error="no sight" if number == 1 else None))
    lines = printed(summary_of(*outcomes), width)
    assert max(len(line) for line in lines) <= width
    assert not any("…" in line for line in lines)
    return lines


def row(lines: list[str], stage: str) -> list[str]:
    (found,) = [line.split() for line in lines if line.split()[:1] == [stage]]
    return found[1:]


def test_a_run_of_some_videos_shows_each_of_them() -> None:
    text = "\n".join(run_of(3))
    assert "video_2" in text and "(dataset)" in text
    assert text.count("2.0 s, 30/s") == 3
    assert "failed extract_features video_1: no sight" in text


@pytest.mark.parametrize("videos", [8, 30])
def test_a_run_of_many_videos_counts_them_by_stage_however_wide_the_terminal(videos: int) -> None:
    lines = run_of(videos, width=500)  # with the dataset's own column there are more than eight
    assert row(lines, "decode") == [str(videos), f"{2.0 * videos:.1f}", "30"]
    assert row(lines, "extract_features") == [str(videos - 1), "1"]
    assert f"{videos} computed, {videos} reused, 1 failed in 9.0 s" in lines


def test_a_run_of_some_videos_that_do_not_fit_is_counted_too() -> None:
    assert row(run_of(6, width=80), "decode") == ["6", "12.0", "30"]


def test_counts_that_do_not_fit_become_lines() -> None:
    assert run_of(6, width=50)[:3] == [
        "decode: 6 computed, 12.0 seconds, 30 frames/s",
        "extract_features: 5 reused, 1 failed",
        "fit_axes: 1 reused",
    ]


def test_failures_beyond_twenty_are_counted_and_blocked_items_too() -> None:
    outcomes = [Outcome(f"v{n}", "decode", "failed", error=f"fault number {n}") for n in range(500)]
    outcomes += [Outcome(f"v{n}", "extract_features", "blocked", error="after decode") for n in range(500)]
    lines = printed(summary_of(*outcomes))
    assert sum(line.startswith("failed decode v") for line in lines) == MAX_LINES == 20
    assert "and 480 more failed; see `semflow status` or `--json`" in lines
    assert "500 failed, 500 blocked in 9.0 s" in lines


def test_videos_that_fail_alike_share_a_line() -> None:
    outcomes = [Outcome(f"v{n}", "decode", "failed", error=f"data/raw/v{n}.mp4 must be a video") for n in range(500)]
    lines = printed(summary_of(*outcomes), width=200)
    (line,) = [line for line in lines if line.startswith("failed decode")]
    assert line == "failed decode, 500 videos (v0, v1, v2, ...): data/raw/<video>.mp4 must be a video"
    assert not any("more failed" in line for line in lines)


@pytest.mark.parametrize("result", ["restored", "remote", "stopped"])
@pytest.mark.parametrize("videos", [2, 20])
def test_other_results_have_their_words(result: Any, videos: int) -> None:
    outcomes = [Outcome("one", "decode", "computed", 1.0)]
    lines = printed(summary_of(*outcomes, *(Outcome(f"v{n}", "decode", result) for n in range(videos))))
    assert result in row(lines, "decode" if videos == 2 else "stage")
    assert f"1 computed, {videos} {result} in 9.0 s" in lines


def test_run_time_is_the_walls_and_item_time_stands_beside_what_was_expected() -> None:
    outcomes = [Outcome(f"v{n}", "decode", "computed", 30.5, 60) for n in range(2)]
    lines = printed(summary_of(*outcomes, seconds=31.0, expected_s=58.4))
    assert "2 computed in 31 s" in lines and "took 61 s of item time, 58 s were expected (4 % more)" in lines
    assert "took 61 s of item time" in printed(summary_of(*outcomes))
    assert "took 61 s of item time, 20 s were expected (3.0 times as long)" in printed(
        summary_of(*outcomes, expected_s=20.0)
    )


def test_notes_an_interruption_and_what_dvc_did_not_take_are_reported() -> None:
    summary = Summary(
        (Outcome("walk", "decode", "stopped"),), 4.0, ("a", "b"), {"decode": "[lock] held"}, "i.html", ("a note",), 2
    )
    lines = printed(summary)
    assert "a note" in lines and "not recorded in DVC: decode: [lock] held" in lines and "report: i.html" in lines
    assert any(line.startswith("interrupted (SIGINT)") for line in lines)
    assert any(line.startswith("moved 2 files and folders") for line in lines)


def test_names_and_reasons_are_shown_as_they_are_and_steer_nothing() -> None:
    outcome = Outcome("[bold]\x1b[2J\udcff", "decode", "failed", error="[red]no[/] \x1b[31m\nsecond line")
    text = "\n".join(printed(summary_of(outcome), width=200))
    assert r"failed decode [bold]\x1b[2J\udcff: [red]no[/] \x1b[31m second line" in text
    assert "\x1b" not in text


def plan_line(video: str, stage: str, status: Any, reason: str = "", expected_s: float | None = None) -> PlanLine:
    return PlanLine(Item(video, stage), status, reason, expected_s, 0 if status == "stale" else 1_500_000)


def plan_printed(lines: list[PlanLine], every: bool = False, width: int = 120) -> list[str]:
    out = io.StringIO()
    show_plan(Console(file=out, width=width), lines, STAGES, every)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def changed_plan(videos: int) -> list[PlanLine]:
    lines = [
        plan_line("bad", "decode", "failed", "no video"),
        plan_line("bad", "extract_features", "blocked", "after decode"),
    ]
    for n in range(videos):
        lines.append(plan_line(f"v{n}", "decode", "fresh"))
        lines.append(plan_line(f"v{n}", "extract_features", "stale", "parameter a.b: 10 -> 99", 2.0))
    return [*lines, plan_line(DATASET_ITEM, "fit_axes", "stale", "waits for extract_features v0")]


def test_a_plan_is_a_table_by_stage_with_seconds_and_bytes() -> None:
    lines = plan_printed(changed_plan(1000))
    assert row(lines, "stage") == [
        "fresh",
        "stale",
        "failed",
        "blocked",
        "expected",
        "on",
        "disk",
        "not",
        "kept",
        "per",
        "hour",
    ]
    assert row(lines, "decode") == ["1,000", "1", "1.5", "GB"]
    assert row(lines, "extract_features") == ["1,000", "1", "33", "min", "1.5", "MB"]
    assert row(lines, "fit_axes") == ["1", "unknown"]
    assert row(lines, "all") == ["1,000", "1,001", "1", "1", "at", "least", "33", "min", "1.5", "GB"]
    assert lines[-1] == "1,000 fresh, 1,001 stale, 1 failed, 1 blocked"


def test_items_with_one_reason_share_a_row_and_causes_come_first() -> None:
    lines = plan_printed(changed_plan(1000))
    assert lines[-5:-1] == [
        "failed  decode bad: no video",
        "stale   extract_features, 1,000 videos (v0, v1, v2, ...): parameter a.b: 10 -> 99",
        "blocked extract_features bad: after decode",
        "stale   fit_axes (dataset): waits for extract_features v0",
    ]


def test_a_reason_is_shared_though_it_names_the_video() -> None:
    plan = [plan_line(f"v{n}", "track", "stale", f"waits for decode v{n}") for n in range(12)]
    plan += [plan_line(f"v{n}", "match", "stale", f"data/x/v{n}.npy is missing") for n in range(12)]
    plan += [plan_line("a", "decode", "stale", "a parameter was a"), plan_line("an", "decode", "stale", "a table")]
    lines = plan_printed(plan)
    assert "stale   track, 12 videos (v0, v1, v2, ...): waits for decode <video>" in lines
    assert "stale   match, 12 videos (v0, v1, v2, ...): data/x/<video>.npy is missing" in lines
    assert "stale   decode a: a parameter was a" in lines and "stale   decode an: a table" in lines


def test_rows_of_a_plan_beyond_twenty_are_counted_unless_every_one_is_asked_for() -> None:
    plan = [plan_line(f"v{n}", "decode", "stale", f"reason {n}") for n in range(50)]
    lines = plan_printed(plan)
    assert sum(line.startswith("stale   decode") for line in lines) == 20
    assert "and 30 more items; `semflow plan --all` shows each" in lines
    every = plan_printed(plan, every=True)
    assert every[-51:-1] == [f"stale   decode v{n}: reason {n}" for n in range(50)]


def test_a_plan_without_stale_items_has_no_table() -> None:
    lines = plan_printed([plan_line("a", "decode", "fresh"), plan_line("b", "decode", "remote")])
    assert lines == ["decode  3.0 MB", "1 fresh, 1 remote"]
    assert plan_printed([]) == ["no items"]


def test_a_plan_gives_sizes_for_an_hour_of_film_of_what_is_kept_and_what_is_not() -> None:
    def line(video: str, stage: str, status: Any, megabytes: int, film_s: float) -> PlanLine:
        return PlanLine(Item(video, stage), status, "", None, megabytes * 1_000_000, film_s)

    lines = [
        line("a", "decode", "dropped", 30, 10.0),
        line("b", "decode", "dropped", 10, 10.0),
        line("c", "decode", "dropped", 99, 0.0),  # of a length that is not known
        line("a", "extract_features", "fresh", 5, 10.0),
        line(DATASET_ITEM, "fit_axes", "fresh", 1, 0.0),
    ]
    assert plan_printed(lines) == [
        "decode            139 MB, not kept, 7.2 GB for an hour of film",
        "extract_features  5.0 MB, 1.8 GB for an hour of film",
        "fit_axes          1.0 MB",
        "2 fresh, 3 dropped",
        "artifacts: 6.0 MB, and 139 MB not kept; an hour of film: 1.8 GB, and 7.2 GB not kept",
    ]


def test_counts_of_a_plan_name_every_standing() -> None:
    counts = count_states(changed_plan(3))
    assert counts == {"fresh": 3, "dropped": 0, "stale": 4, "remote": 0, "failed": 1, "blocked": 1}


def test_nothing_to_do_is_reported_without_rich(checkout: Path) -> None:
    code = """
import sys
from flows.cli.display import choose_display
from flows.engine.outcome import Item, Outcome, Summary
from flows.cli.console import PlanLine, show_plan, show_summary
choose_display()
plan = [PlanLine(Item("a", "decode"), "fresh", "", None, 1), PlanLine(Item("b", "decode"), "failed", "bad", None, 0)]
show_plan(None, plan, ["decode"])
show_summary(None, Summary((Outcome("a", "decode", "reused"),), 0.25, (), {}, ""), ["decode"])
assert "rich" not in sys.modules, "rich costs a tenth of a second"
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "decode  1 B",
        "failed  decode b: bad",
        "1 fresh, 1 failed",
        "1 reused in 0.2 s",
    ]


def test_a_run_that_made_pages_ends_with_three_next_steps_and_another_without() -> None:
    made = Outcome("walk", "report", "computed", 2.0, page="reports/walk/index.html")
    lines = printed(summary_of(made))
    assert [line.split()[0 if line.startswith(" ") else 1] for line in lines[-3:]] == ["semflow"] * 3
    assert len({line.index("semflow") for line in lines[-3:]}) == 1
    for ended in (summary_of(Outcome("walk", "track", "computed", 2.0)), summary_of(made, interrupted=2)):
        assert not any("next:" in line for line in printed(ended))
