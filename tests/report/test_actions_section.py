"""The section on actions: verdicts in words and bars, windows over time, evidence over frames."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from tasks.artifacts.table import NULL
from tasks.report.heatmap_overlay import CROP_FACTOR, colour_heatmap, crop_around, overlay_heatmap, resample_heatmap
from tasks.report.report_data import ReportData
from tasks.report.sections.actions_section import MAX_ROWS, PICTURES, make_actions_section
from tests.report.action_tables import Row, make_actions

SAID: list[Row] = [
    (0, 5, "rgb", NULL, 1, "waving", 0.9),
    (0, 5, "rgb", NULL, 2, "clapping", 0.05),
    (0, 5, "flow", 3, 1, "leap", 0.4),
    (4, 11, "rgb", NULL, 1, "clapping", 0.45),
    (4, 11, "rgb", NULL, 2, "waving", 0.4),
    (4, 11, "flow", 3, 1, "leap", 0.4),
]


@pytest.fixture
def show(make_dossier: Callable[..., ReportData], read_page: Callable[[str], Any]) -> Callable[..., tuple[Any, Any]]:
    def show(rows: Sequence[Row], notes: Sequence[str] = (), **video: object) -> tuple[Any, Any]:
        section = make_actions_section(replace(make_dossier(**video), actions=make_actions(rows, notes)))
        return section, read_page(section.body)

    return show


def test_the_lead_says_what_each_stream_says_and_how_surely(show) -> None:
    section, page = show(SAID)
    assert section.lead == (
        "Appearance, mean of all windows: waving (65%). "
        "Motion, mean of all windows: no confident label; the most probable is leap, at 40%."
    )
    assert page.count("div", "verdict") == 2 and page.count("p", "doubt") == 1
    assert "Kinetics-400, mean of 2 windows" in page.text and "pretrained motions, mean of 2 windows" in page.text


def test_names_of_the_pretrained_motions_are_said_to_be_the_nearest_of_ten(show) -> None:
    _, page = show(SAID)
    assert "nearest of 10: bow, clap, jump, kick, run, spin, squat, stand, walk and wave" in page.text
    _, page = show([row for row in SAID if row[2] == "rgb"])
    assert "nearest of" not in page.text


def test_bars_are_as_long_as_labels_are_probable(show) -> None:
    _, page = show(SAID)
    widths = [attrs["style"] for tag, attrs in page.tags if tag == "i" and attrs.get("style")]
    assert widths == ["width:65.0%", "width:25.0%", "width:40.0%"]


def test_windows_stand_at_their_times_and_end_where_the_next_begins(show) -> None:
    _, page = show(SAID)
    bars = [attrs for tag, attrs in page.tags if tag == "svg" and "said" in (attrs.get("class") or "")]
    assert [attrs["class"] for attrs in bars] == ["said rgb", "said rgb unsure", "said flow unsure", "said flow unsure"]
    assert [attrs["x"] for attrs in bars[:2]] == ["0%", "33.333%"]
    assert [float(str(attrs["width"]).rstrip("%")) for attrs in bars[:2]] == pytest.approx([33.3, 66.7], abs=0.2)
    assert "whole frame, appearance" in page.text and "person 3, motion" in page.text
    assert "clapping 45%" in page.text


def test_many_people_make_no_endless_chart(show) -> None:
    rows = [(0, 11, "flow", n, 1, "leap", 0.9) for n in range(1, 31)]
    _, page = show(rows)
    assert page.count("svg", "said") == MAX_ROWS
    assert f"{30 - MAX_ROWS} more rows in the Parquet file." in page.text


def test_evidence_is_shown_for_every_stream_that_has_some(show) -> None:
    _, page = show(SAID)
    alts = [attrs["alt"] for tag, attrs in page.tags if tag == "img" and attrs["alt"]]
    assert alts == ["Evidence for waving 90%", "Evidence for clapping 45%", *["Evidence for leap 40%"] * 2]
    assert len(alts) <= PICTURES
    fused = [(0, 11, "fused", NULL, 1, "waving", 0.9)]
    assert not any(tag == "img" for tag, _ in show(fused)[1].tags)


def test_the_heat_lies_where_the_map_has_its_peak(show) -> None:
    _, page = show([(0, 11, "rgb", NULL, 1, "waving", 0.9)])
    source = next(str(attrs["src"]) for tag, attrs in page.tags if tag == "img")
    image: Any = cv2.imdecode(np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
    warmth = image[..., 2].astype(int) - image[..., 0]  # red over blue
    row, column = np.unravel_index(int(warmth.argmax()), warmth.shape)
    cell = 90 / 7
    assert (row, column) == (pytest.approx(1.5 * cell, abs=5), pytest.approx(34.5 + 5.5 * cell, abs=5))
    assert abs(warmth[80, 40]) < 12


def test_labels_of_strangers_cannot_break_the_page(show) -> None:
    _, page = show([(0, 11, "rgb", NULL, 1, "<script>alert(1)</script> & co", 0.9)], notes=["<b>note</b>"])
    assert all(tag != "script" for tag, _ in page.tags)
    assert "<script>alert(1)</script> & co" in page.text and "<b>note</b>" in page.text


def test_nothing_judged_is_a_calm_sentence_and_nobody_asked_is_no_section(
    show, make_dossier: Callable[..., ReportData]
) -> None:
    _, page = show([], ["No frame came out whole, so there is nothing to judge."], status=[])
    assert page.count("p", "nothing") == 1 and "nothing to judge" in page.text
    assert make_actions_section(make_dossier()) is None


def test_evidence_is_linear_between_cells_and_none_outside_the_square() -> None:
    cam = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    heat, inside = resample_heatmap((8, 12), np.array([1.5, -0.5, 9.5, 7.5], np.float32), cam)
    assert inside.sum() == 8 * 8 and (heat[:, [0, 1, 10, 11]] == 0).all()
    # Cells are 4 px wide: centres at 3.5 and 7.5, between them a slope of a quarter a pixel.
    assert heat[3, 2:10] == pytest.approx([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1], abs=0.02)


def test_where_there_is_no_evidence_the_picture_is_grey_and_darker_outside() -> None:
    image = np.full((20, 30, 3), (200, 100, 50), np.uint8)
    shown = overlay_heatmap(image, np.array([4.5, -0.5, 24.5, 19.5], np.float32), np.zeros((7, 7), np.float32))
    assert (shown == shown[..., :1]).all()
    assert shown[10, 0, 0] < shown[10, 15, 0] < 200
    assert colour_heatmap(np.ones((1, 1), np.float32))[0, 0].min() > 100


def test_a_small_square_is_shown_from_near_and_a_large_one_with_the_whole_picture() -> None:
    image = np.arange(90 * 160 * 3).reshape(90, 160, 3).astype(np.uint8)
    whole = crop_around(image, np.array([10, 0, 90, 80], np.float32))
    assert whole.shape == image.shape
    corner = crop_around(image, np.array([-8, -8, 8, 8], np.float32))
    assert corner.shape[:2] == (round(16 * CROP_FACTOR), round(16 * CROP_FACTOR * 160 / 90))
    assert (corner == image[: corner.shape[0], : corner.shape[1]]).all()
