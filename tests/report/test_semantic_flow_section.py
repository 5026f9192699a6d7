"""The section on what means the same: pairs, legend, regions, and calm where there is nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from tasks.geometry.flow_colour import flow_to_rgb
from tasks.geometry.match_rendering import UNKNOWN_GREY
from tasks.report.flow_comparison import compare_flows
from tasks.report.formatting import DASH
from tasks.report.params import ReportParams
from tasks.report.report_data import ReportData
from tasks.report.sections.semantic_flow_section import (
    MAX_ROWS,
    colour_optical_flow,
    colour_semantic_flow,
    make_semantic_flow_section,
)

BOX = (50.0, 20.0, 90.0, 80.0)
TWO_PEOPLE = [(f, track, 0, 0.9, BOX) for f in range(12) for track in (3, 5)]


def test_pairs_are_shown_with_both_flows_their_agreement_and_figures(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    page = read_page(make_semantic_flow_section(make_dossier()).body)
    names = [attrs["aria-label"] for tag, attrs in page.tags if tag == "svg"]
    assert names == [f"Frames {a} and {a + 4} side by side, corresponding points joined by lines" for a in (0, 4)]
    alts = [attrs["alt"] for tag, attrs in page.tags if tag == "img"]
    assert alts == [
        *(f"{what} of frame {a} to {a + 4}" for a in (0, 4) for what in ("Semantic flow", "Optical flow", "Agreement")),
        "",  # the wheel, which the words beside it explain
    ]
    assert page.text.count("Full colour 10 px Confident 100% of the cells Agree within a cell 100%") == 2
    assert [float(attrs["data-t"]) * 25 for tag, attrs in page.tags if tag == "button"] == pytest.approx([0, 4])


def test_the_lead_says_how_much_was_matched_and_what_was_left_out(make_dossier: Callable[..., ReportData]) -> None:
    section = make_semantic_flow_section(make_dossier())
    assert section.lead == (
        "100% of the cells and their matches 4 frames later are mutual nearest neighbours; agreement with optical flow "
        "is 0.90 on average (1: equal, 0.5: one cell apart)."
    )
    motions = [*[(2.0, 1.0)] * 5, "cut", *[(2.0, 1.0)] * 3, "missing", "missing"]
    status = ["ok"] * 10 + ["damaged", "ok"]
    hurt = make_semantic_flow_section(make_dossier(motions=motions, status=status))
    assert hurt.lead.endswith(
        "Left out of 4 pairs: 1 with a damaged or lost frame, 2 where the scene changes in between."
    )


def test_a_person_who_is_another_later_is_a_row(make_dossier: Callable[..., ReportData], read_page: Callable) -> None:
    # Rows of the detections: 2 * frame is person 3, 2 * frame + 1 is person 5.
    page = read_page(
        make_semantic_flow_section(make_dossier(TWO_PEOPLE, ties=[(0, 9, 0.98), (9, 17, 0.55), (4, 12, 0.9)])).body
    )
    text = page.text
    assert "In the pairs above 0:00.00 person 3 0:00.16 person 5 0.98 yes 0:00.16 person 5 0:00.32 person 5" in text
    assert "0.55 no Anywhere in the video, matches between different tracks: most similar first" in text
    assert text.endswith(
        "3 region matches at this stride in the whole video; of 3 between tracked regions, 2 are within one track."
    )
    assert sum(tag == "tbody" for tag, _ in page.tags) == 2


def test_a_video_without_detections_says_so_below_its_pairs(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    page = read_page(make_semantic_flow_section(make_dossier()).body)
    assert "no pair has detections in both frames" in page.text
    assert not any(tag in ("table", "rect") for tag, _ in page.tags)


def test_what_is_not_sure_is_dimmed_and_what_is_lost_is_grey(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier()
    found = compare_flows(dossier.semantic_flow, dossier.dense_flow, 1)
    found.sure[3] = False
    painted, plain = colour_semantic_flow(found), flow_to_rgb(found.semantic, found.scale_px)
    assert (painted[3] < plain[3]).all() and (painted[4] == plain[4]).all()
    optical = colour_optical_flow(found)
    assert (optical[:, :5] == UNKNOWN_GREY).all()
    assert np.abs(optical[5, 10].astype(int) - plain[5, 10]).max() < 12  # both move the same way
    assert optical.dtype == np.uint8


def test_pictures_of_cells_have_a_pixel_for_each(make_dossier: Callable[..., ReportData]) -> None:
    body = make_semantic_flow_section(make_dossier()).body
    pictures = re.findall(r'base64,([^"]+)"[^>]*alt="Optical flow[^>]*class="cells"', body)
    image = cv2.imdecode(np.frombuffer(base64.b64decode(pictures[0]), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None and image.shape == (11, 20, 3)
    assert np.abs(image[5, 1].astype(int) - UNKNOWN_GREY).max() < 12
    assert np.abs(image[5, 10].astype(int) - UNKNOWN_GREY).max() > 40


def test_hundreds_of_regions_keep_the_section_small(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    rows = [(f, k, 0, 0.9, (k % 100, 5.0, k % 100 + 30, 80.0)) for f in (0, 4) for k in range(1, 401)]
    section = make_semantic_flow_section(make_dossier(rows, ties=[(k, 400 + (k + 1) % 400, 0.8) for k in range(400)]))
    page = read_page(section.body)
    assert len(section.body) < 250_000
    assert sum(tag == "tr" for tag, _ in page.tags) < MAX_ROWS + 20


@pytest.mark.parametrize(
    ("video", "words"),
    [
        ({"status": []}, "there are none"),
        ({"status": ["ok"]}, "there is one"),
        ({"status": ["lost"] * 6}, "damaged or lost frame"),
        ({"status": ["ok"] * 5, "motions": ["cut"] * 4}, "scene change"),
        ({"status": ["ok", "ok", "lost", "ok", "lost"]}, "damaged or lost frame"),
    ],
)
def test_a_video_without_pairs_gets_a_calm_sentence(
    make_dossier: Callable[..., ReportData], read_page: Callable, video: dict, words: str
) -> None:
    page = read_page(make_semantic_flow_section(make_dossier(**video)).body)
    assert page.count("p", "nothing") == 1 and words in page.text
    assert not any(tag in ("img", "svg", "table") for tag, _ in page.tags)


@pytest.mark.filterwarnings("error")
def test_a_pair_that_optical_flow_lost_has_a_dash_for_agreement(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    page = read_page(make_semantic_flow_section(make_dossier(status=["ok"] * 2, motions=["missing"])).body)
    assert f"Agree within a cell {DASH}" in page.text
    assert "nan" not in page.text


def test_no_pairs_asked_for_leave_the_section_out(
    make_dossier: Callable[..., ReportData], params: ReportParams
) -> None:
    assert make_semantic_flow_section(make_dossier(params=params.model_copy(update={"matched_pairs": 0}))) is None
