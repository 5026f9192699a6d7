"""What the terminal shows of scores: all of it, within the width there is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from flows.cli.console_scores import show_scores
from flows.evaluate.score_table import SuiteScores

VIEWS = [f"PCK@{share}{way}" for share in (".05", ".1") for way in ("", " no motion", " optical chained, still film")]


def printed(scores: SuiteScores, width: int) -> list[str]:
    out = io.StringIO()
    show_scores(Console(file=out, width=width), scores)
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
    assert "…" not in out.getvalue()
    return lines


def row(lines: list[str], name: str) -> list[str]:
    """The cells of the one row that begins with `name`."""
    (found,) = [line for line in lines if line.strip("│ ").split("│")[0].strip() == name]
    return [cell.strip() for cell in found.strip("│").split("│")][1:]


def test_items_of_one_kind_and_their_combination_are_one_table() -> None:
    items = {"a": {"HOTA": 0.5, "IDSW": 12}, "b": {"HOTA": 0.25, "IDSW": 3}}
    lines = printed(SuiteScores("mot", items, {"HOTA": 0.375, "IDSW": 15}), 80)
    assert row(lines, "a") == ["0.5", "12"] and row(lines, "combined") == ["0.375", "15"]
    assert sum("┏" in line for line in lines) == 1


def test_items_with_other_metrics_stand_in_a_table_of_their_own_and_all_together_in_a_list() -> None:
    items = {
        "views/duck/1": {"PCK@.1": 0.9, "PCK@.1 optical": 0.8},
        "masks/duck": {"J": 0.7},
        "views/duck/2": {"PCK@.1": 0.7, "PCK@.1 optical": 0.6},
    }
    lines = printed(SuiteScores("match", items, {"views PCK@.1": 0.8, "masks J": 0.7}), 80)
    assert row(lines, "duck/1") == ["0.9", "0.8"] and row(lines, "duck") == ["0.7"]
    assert row(lines, "views PCK@.1") == ["0.8"] and row(lines, "masks J") == ["0.7"]
    titles = [line.strip() for line in lines if line.strip().startswith("match")]
    assert titles == ["match views", "match masks", "match combined"]
    assert not any("││" in line.replace(" ", "") for line in lines)  # no empty cells


@pytest.mark.parametrize("width", [50, 80, 120, 200])
def test_more_metrics_than_fit_are_shown_in_several_tables(width: int) -> None:
    items = {f"views/clip/{n:05d}": dict.fromkeys(VIEWS, 0.1234 + n) for n in range(3)}
    lines = printed(SuiteScores("match", items, {f"views {name}": 0.5 for name in VIEWS}), width)
    values = [cell for line in lines if "clip/00002" in line for cell in line.strip("│").split("│")[1:]]
    assert [value.strip() for value in values] == ["2.123"] * len(VIEWS)


def test_items_without_a_kind_in_common_keep_their_names() -> None:
    items = {"views/a": {"J": 0.5}, "masks/a": {"J": 0.25}, "b": {"J": 0.75}}
    lines = printed(SuiteScores("x", items, {"mean": 0.5}), 60)
    assert [row(lines, name) for name in items] == [["0.5"], ["0.25"], ["0.75"]]


def test_a_metric_that_an_item_does_not_have_is_no_number() -> None:
    lines = printed(SuiteScores("x", {"a": {"J": float("nan")}}, {"J": float("nan")}), 60)
    assert row(lines, "a") == ["nan"]


def test_tables_of_words_and_numbers_are_shown_too() -> None:
    confusion = [{"truth": "walk", "walk": 3.0, "run": 1.0}, {"truth": "run", "run": 0.5}]
    lines = printed(SuiteScores("action", {"a": {"top1": 0.5}}, {"top1": 0.5}, {"confusion": confusion}), 60)
    assert "confusion" in [line.strip() for line in lines]
    assert row(lines, "walk") == ["3.0", "1.0"] and row(lines, "run") == ["", "0.5"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_with_words_shows_all_words_and_all_numbers(width: int) -> None:
    metrics = ["HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDSW", "fps", "association fps"]
    rows = [
        {"tracker": "preset bytetrack, same detections", **dict.fromkeys(metrics, 12.34)},
        {"tracker": "ultralytics track, botsort", **dict.fromkeys(metrics, 43.21)},
    ]
    lines = printed(SuiteScores("x", {"a": {"J": 0.5}}, {"J": 0.5}, tables={"All films": rows}), width)
    assert sum(line.count("43.21") for line in lines) == len(metrics)


def test_words_in_brackets_are_shown() -> None:
    rows = [{"package": "trackers", "why": "not installed: pip install -e '.[peers]'"}]
    lines = printed(SuiteScores("x", {"a": {"J": 0.5}}, {"J": 0.5}, tables={"Left out": rows}), 80)
    assert row(lines, "trackers") == ["not installed: pip install -e '.[peers]'"]


@pytest.mark.parametrize("width", [60, 80])
def test_columns_of_words_do_not_break_words_that_fit(width: int) -> None:
    kinds = ["cut", "fade, 0.5 s", "dissolve, 0.5 s", "one shot, double speed", "one shot, flash"]
    rows = [{"detector": "AdaptiveDetector 0.7.2", **dict.fromkeys(kinds, "12 of 13")}]
    lines = printed(SuiteScores("x", {"a": {"J": 0.5}}, {"J": 0.5}, tables={"beside others": rows}), width)
    assert sum(line.count("12 of 13") for line in lines) == len(kinds)
    assert all("AdaptiveDetector 0.7.2" in line for line in lines if "12 of 13" in line)
