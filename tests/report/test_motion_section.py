"""The section on motion: moments, colours, curve, and calm where there is nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from tasks.artifacts.shots import Shots, Transition
from tasks.geometry.flow_colour import flow_to_rgb
from tasks.report.charts import render_curve
from tasks.report.params import ReportParams
from tasks.report.report_data import ReportData
from tasks.report.sections.motion_section import DIMMED, make_motion_section, paint_flow


def _pictures(page: Any) -> list[np.ndarray]:
    found = [str(attrs["src"]).split(",")[1] for tag, attrs in page.tags if tag == "img"]
    images = [cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR) for data in found]
    return [np.asarray(image)[..., ::-1] for image in images]


def test_the_lead_says_cuts_camera_and_trust_in_words(make_dossier: Callable[..., ReportData]) -> None:
    moving = make_motion_section(make_dossier(motions=[(3.0, 4.0)] * 5 + ["cut"] + [(0.0, 1.0)] * 5))
    assert moving.lead == "1 cut; the camera moves by 3.0 px per frame on average; 75% of the pixels could be verified."
    still = make_motion_section(make_dossier(motions=[(0.0, 0.0)] * 11))
    assert still.lead.startswith("No cut; the camera moves by less than 0.1 px per frame on average;")


def test_fades_and_dissolves_are_counted_as_the_timeline_shows_them(make_dossier: Callable[..., ReportData]) -> None:
    data = make_dossier(motions=[(3.0, 4.0)] * 5 + ["cut"] + [(0.0, 1.0)] * 5)
    kinds = [Transition("fade", 3, 1, 4, 1.0), Transition("cut", 6, 5, 6, 1.0), Transition("dissolve", 9, 8, 10, 1.0)]
    section = make_motion_section(replace(data, shots=Shots.from_transitions(kinds, data.frames.pts_s)))
    assert section.lead.startswith("1 cut, 1 fade, 1 dissolve; the camera moves")


def test_a_camera_that_could_not_be_told_is_no_still_camera(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(motions=[(3.0, 4.0)] * 11)
    vars(dossier.dense_flow)["camera_inliers"] = np.zeros(11, np.float32)
    assert "the camera's motion could not be estimated" in make_motion_section(dossier).lead


def test_moments_lie_evenly_in_pairs_with_flow(make_dossier: Callable[..., ReportData], read_page: Callable) -> None:
    section = make_motion_section(make_dossier(motions=["missing"] * 4 + ["cut"] + [(2.0, 0.0)] * 6))
    page = read_page(section.body)
    times = [float(attrs["data-t"]) * 25 for tag, attrs in page.tags if tag == "button"]
    assert times == pytest.approx([6, 8, 10])
    assert sum(tag == "img" for tag, _ in page.tags) == 2 * 3 + 1  # and the disc
    alts = [attrs["alt"] for tag, attrs in page.tags if tag == "img"]
    assert alts[:2] == ["Frame 6", "Flow from frame 6 to 7"]


def test_colours_compare_between_moments(make_dossier: Callable[..., ReportData], read_page: Callable) -> None:
    slow_then_fast = [(2.0, 0.0)] * 6 + [(8.0, 0.0)] * 5
    page = read_page(make_motion_section(make_dossier(motions=slow_then_fast)).body)
    _, slow, _, _, _, fast, _ = _pictures(page)
    assert "the rim of the disc is 8 px per frame" in page.text
    full, quarter = (flow_to_rgb(np.full((1, 1, 2), (x, 0), np.float32), 8)[0, 0] for x in (8, 2))
    assert fast[45, 120] == pytest.approx(full, abs=6)
    assert slow[45, 120] == pytest.approx(quarter, abs=6)
    assert fast[45, 10] == pytest.approx(full * DIMMED, abs=6)


def test_pixels_not_valid_are_dimmed_and_the_rest_untouched() -> None:
    flow = np.random.default_rng(0).normal(0, 3, (6, 8, 2)).astype(np.float32)
    valid = np.zeros((6, 8), np.bool_)
    valid[:, 4:] = True
    picture, plain = paint_flow(flow, valid, 4.0), flow_to_rgb(flow, 4.0)
    assert picture.dtype == np.uint8
    assert (picture[valid] == plain[valid]).all()
    assert (picture[~valid] == np.floor(plain[~valid] * DIMMED)).all()


def test_curves_and_cuts_stand_at_their_times(make_dossier: Callable[..., ReportData], read_page: Callable) -> None:
    page = read_page(make_motion_section(make_dossier(motions=[(2.0, 0.0)] * 4 + ["cut"] + [(4.0, 0.0)] * 6)).body)
    paths = {attrs["class"]: attrs["d"] for tag, attrs in page.tags if tag == "path"}
    assert paths["cuts"] == "M417 0V100"  # between frames 4 and 5 of twelve
    assert paths["speed"] == paths["speed camera"]
    first, second = str(paths["speed"])[1:].split("M")
    assert first.split("L")[0] == "83.333 50" and len(first.split("L")) == 4
    assert second.split("L")[0] == "500 0" and len(second.split("L")) == 6
    assert "4 px per frame" in page.text and page.count("i", "cut") == 1


def test_a_curve_breaks_at_what_is_unknown_and_between_runs() -> None:
    y = np.array([1.0, 2, np.nan, 3, 4, 5])
    assert render_curve(np.arange(6.0), y, np.array([0, 0, 0, 0, 0, 1])) == "M0 1L1 2M3 3L4 4M5 5h0"
    assert render_curve(np.arange(2.0), np.full(2, np.nan), np.zeros(2, np.intp)) == ""


def test_a_video_of_many_pairs_and_cuts_stays_small(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    motions = [("cut" if i % 3 == 2 else (1.0, 0.0)) for i in range(2999)]
    section = make_motion_section(make_dossier(motions=motions, status=["ok"] * 3000, width=16, height=16))
    assert len(section.body) < 60_000
    assert section.lead.startswith("999 cuts;")
    assert "Speeds are of 300 pairs of frames" in read_page(section.body).text


@pytest.mark.parametrize(
    ("status", "motions", "words"),
    [
        ([], [], "there are none"),
        (["ok"], [], "there are none"),
        (["lost"] * 3, ["missing"] * 2, "are undamaged"),
        (["ok"] * 3, ["cut"] * 2, "of one scene"),
        (["ok", "ok", "lost"], ["cut", "missing"], "of one scene"),
    ],
)
def test_a_video_without_motion_gets_a_calm_sentence(
    make_dossier: Callable[..., ReportData], read_page: Callable, status: list[str], motions: list, words: str
) -> None:
    page = read_page(make_motion_section(make_dossier(status=status, motions=motions)).body)
    assert page.count("p", "nothing") == 1 and words in page.text
    assert not any(tag in ("img", "svg") for tag, _ in page.tags)


def test_no_pictures_leave_the_curve_alone(
    make_dossier: Callable[..., ReportData], params: ReportParams, read_page: Callable
) -> None:
    page = read_page(make_motion_section(make_dossier(params=params.model_copy(update={"motion_pictures": 0}))).body)
    assert [tag for tag, _ in page.tags if tag in ("img", "button")] == []
    assert page.count("svg", "plot") == 1


def test_two_frames_make_one_point(make_dossier: Callable[..., ReportData], read_page: Callable) -> None:
    page = read_page(make_motion_section(make_dossier(status=["ok"] * 2)).body)
    paths = [str(attrs["d"]) for tag, attrs in page.tags if tag == "path"]
    assert len(paths) == 2 and all(d.endswith("h0") for d in paths)
    assert sum(tag == "button" for tag, _ in page.tags) == 1


@pytest.mark.filterwarnings("error")
def test_flow_that_is_nowhere_valid_leaves_an_empty_curve(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    dossier = make_dossier()
    dense_flow = dossier.dense_flow
    nowhere = np.zeros((dense_flow.height, dense_flow.width), np.bool_)
    vars(dense_flow).update(
        valid=lambda i: nowhere, valid_share=np.zeros(11, np.float32), camera_inliers=np.zeros(11, np.float32)
    )
    section = make_motion_section(dossier)
    page = read_page(section.body)
    assert section.lead == "No cut; the camera's motion could not be estimated; 0% of the pixels could be verified."
    assert {attrs["d"] for tag, attrs in page.tags if tag == "path"} == {""}
    assert "nan" not in section.body.lower().split()
