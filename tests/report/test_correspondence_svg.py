"""Parts joined by lines."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from tasks.report.colours import css_colour, track_colour
from tasks.report.correspondence_svg import (
    GAP_PX,
    LINES_ELSEWHERE,
    LINES_PER_REGION,
    LONGEST_PX,
    MAX_REGIONS,
    UNTRACKED_COLOUR,
    group_lines,
    render_correspondences,
)
from tasks.report.flow_comparison import FlowComparison, compare_flows
from tasks.report.named_regions import NO_TRACK, NamedRegion, RegionMatch
from tasks.report.report_data import ReportData


@pytest.fixture
def found(make_dossier: Callable[..., ReportData]) -> FlowComparison:
    dossier = make_dossier(width=640, height=360)
    row = dossier.semantic_flow.row(2, 6)
    assert row is not None
    return compare_flows(dossier.semantic_flow, dossier.dense_flow, row)


def same(track: int, *xyxy: float) -> RegionMatch:
    region = NamedRegion(track, "person", np.array(xyxy, np.float32))
    return RegionMatch(2, 6, region, region, 0.9, True)


def places(found: FlowComparison, cells: np.ndarray) -> np.ndarray:
    return found.grid.cell_centres().reshape(-1, 2)[cells]


def test_cells_of_a_region_lie_in_it_and_those_around_do_not(found: FlowComparison) -> None:
    around, person = group_lines(found, [same(3, 100, 80, 200, 300)])
    assert person.colour == css_colour(track_colour(3)) and around.colour == UNTRACKED_COLOUR
    assert 2 <= len(person.cells) <= LINES_PER_REGION and 4 <= len(around.cells) <= LINES_ELSEWHERE
    for tie, inside in ((person, True), (around, False)):
        at = places(found, tie.cells)
        assert (((at >= (100, 80)) & (at <= (200, 300))).all(axis=1) == inside).all()


def test_a_region_in_front_of_a_larger_one_keeps_its_own_lines(found: FlowComparison) -> None:
    _, *tied = group_lines(found, [same(1, 0, 0, 640, 360), same(2, 40, 40, 120, 200)])
    assert [tie.colour for tie in tied] == [css_colour(track_colour(2)), css_colour(track_colour(1))]
    assert not set(tied[0].cells) & set(tied[1].cells)


def test_what_is_around_has_no_line_where_a_region_is(found: FlowComparison) -> None:
    around, everything = group_lines(found, [same(1, 0, 0, 640, 360)])
    assert len(everything.cells) and not len(around.cells)


def test_only_some_of_many_regions_are_joined_and_one_without_a_cell_is_left_out(found: FlowComparison) -> None:
    crowd = [same(i + 1, 10 * i, 50, 10 * i + 60, 200) for i in range(20)]
    assert len(group_lines(found, crowd)) <= 1 + MAX_REGIONS
    assert len(group_lines(found, [same(1, 101, 101, 103, 103)])) == 1
    assert len(group_lines(found, [same(1, -50, -50, -20, -20)])) == 1


def test_unsure_cells_are_not_joined(found: FlowComparison) -> None:
    found.sure[:, 10:] = False
    for tie in group_lines(found, [same(1, 0, 0, 640, 360)]):
        assert (tie.cells % found.grid.columns < 10).all()


def test_lines_lead_from_frame_a_to_where_the_part_is_in_frame_b(found: FlowComparison) -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    svg = render_correspondences((image, image), found, [], "two frames")
    height = round(LONGEST_PX * 9 / 16)
    assert f'viewBox="0 0 {2 * LONGEST_PX + GAP_PX} {height}"' in svg
    lines = re.search(r'<path d="([^"]+)" class="tie"', svg)
    assert lines
    ends = np.array([float(n) for n in re.findall(r"[\d.]+", lines[1])]).reshape(-1, 2, 2)
    scale = LONGEST_PX / 640
    assert np.allclose(ends[:, 1] - ends[:, 0], (LONGEST_PX + GAP_PX + 8 * scale, 4 * scale), atol=0.11)
    centres = (places(found, group_lines(found, [])[0].cells) + 0.5) * scale
    assert np.allclose(ends[:, 0], centres, atol=0.06)


def test_regions_are_framed_in_both_frames_and_named(found: FlowComparison) -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    one = same(3, 99.5, 79.5, 199.5, 299.5)
    other = RegionMatch(2, 6, one.a, NamedRegion(NO_TRACK, "<person>", one.a.xyxy), 0.9, True)
    svg = render_correspondences((image, image), found, [other], "two frames")
    boxes = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" stroke="(#\w+)"', svg)
    scale = LONGEST_PX / 640
    left, top, width, height = 100 * scale, 80 * scale, 100 * scale, 220 * scale
    expected = [(left, top, width, height), (left + LONGEST_PX + GAP_PX, top, width, height)]
    assert np.allclose([[float(v) for v in box[:4]] for box in boxes], expected, atol=0.06)
    assert [box[4] for box in boxes] == [css_colour(track_colour(3)), UNTRACKED_COLOUR]
    assert "<title>person 3</title>" in svg and "<title>&lt;person&gt;, in no track</title>" in svg
