"""The section on poses: pictures, curves and figures of those who are there, calm words where nobody is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import KEYPOINT_COUNT, KEYPOINT_INDEX
from tasks.report.gait_charts import ChartSpan, render_stride_chart
from tasks.report.overlay.drawing_canvas import Canvas
from tasks.report.overlay.overlay_video import render_frame
from tasks.report.overlay.skeletons import LEFT, RIGHT, draw_skeleton
from tasks.report.params import ReportParams
from tasks.report.person_motion import MIN_POSES, collect_strides, summarise_people
from tasks.report.report_data import ReportData
from tasks.report.sections.pose_section import make_pose_section
from tests.report.figures import make_kinematics, make_poses

VIDEO = {"status": ["ok"] * 100, "width": 640, "height": 360}


@pytest.fixture
def make(make_dossier: Callable[..., ReportData]) -> Callable[..., ReportData]:
    def made(walks: bool = True, away: tuple[int, ...] = (), **given: object) -> ReportData:
        rows = [(f, 1, 0, 0.9, (190.0, 90.0, 270.0, 310.0)) for f in range(100)]
        dossier = make_dossier(rows, **VIDEO, **given)
        found = make_poses(dossier, away=away)
        return replace(dossier, poses=found, kinematics=make_kinematics(found, walks))

    return made


def test_the_lead_says_who_walks_and_how_much_was_seen(make: Callable[..., ReportData]) -> None:
    lead = make_pose_section(make(away=tuple(range(90, 100)))).lead
    assert lead.startswith("1 track of a person, with a pose in 90% of their frames; one walks, at 120 steps")
    assert "no walk detected: too few regular steps" in make_pose_section(make(walks=False)).lead


def test_pictures_charts_and_a_row_are_on_the_page(
    make: Callable[..., ReportData], params: ReportParams, read_page: Callable
) -> None:
    assert "<img" not in make_pose_section(make()).body, "the film shows skeletons itself"
    page = read_page(make_pose_section(make(params=params.model_copy(update={"film": False}))).body)
    kinds = [attrs.get("class") for _, attrs in page.tags]
    assert sum(tag == "img" for tag, _ in page.tags) == 4  # as many as key frames
    assert kinds.count("plot") == 2 and "deviation left" in kinds and "deviation right" in kinds
    row = page.words[page.words.index("right knee bends by °") :]
    assert {"100", "100%", "210", "0.70", "8", "120"} <= set(row)


def test_somebody_who_does_not_walk_has_knees_over_time_alone(
    make: Callable[..., ReportData], read_page: Callable
) -> None:
    page = read_page(make_pose_section(make(walks=False)).body)
    kinds = [attrs.get("class") for _, attrs in page.tags]
    assert kinds.count("plot") == 1 and not any(str(kind).startswith(("strike", "deviation")) for kind in kinds)


def test_nobody_whose_knees_are_hardly_seen_has_an_empty_chart(
    make: Callable[..., ReportData], read_page: Callable
) -> None:
    data = make(walks=False)
    assert data.kinematics is not None
    for side, seen in (("left", MIN_POSES - 1), ("right", 0)):
        getattr(data.kinematics, f"knee_{side}")[seen:] = np.nan
    page = read_page(make_pose_section(data).body)
    assert "plot" not in [attrs.get("class") for _, attrs in page.tags]
    assert any("for 1 more, pick one in the film" in word for word in page.words)


def test_a_chart_knows_its_part_of_the_video_and_breaks_where_the_person_is_away(
    make: Callable[..., ReportData], read_page: Callable
) -> None:
    page = read_page(make_pose_section(make(away=(*range(20), 50, 51, *range(90, 100)))).body)
    plot = next(attrs for _, attrs in page.tags if attrs.get("class") == "plot")
    assert (float(plot["data-start"]), float(plot["data-span"])) == pytest.approx((0.8, 2.8))
    line = next(attrs["d"] for _, attrs in page.tags if attrs.get("class") == "knee left")
    assert line.count("M") == 2


def test_words_stand_where_nobody_is_and_nothing_where_poses_were_not_asked_for(
    make_dossier: Callable[..., ReportData],
) -> None:
    def without(rows: list) -> str:
        dossier = make_dossier(rows)
        found = make_poses(dossier).take([])
        return str(make_pose_section(replace(dossier, poses=found, kinematics=make_kinematics(found))).body)

    assert "Nobody was tracked in this video" in without([(0, 2, 2, 0.9, (1.0, 1.0, 9.0, 9.0))])
    assert "People were tracked, but none shows enough" in without([(0, 1, 0, 0.9, (1.0, 1.0, 9.0, 9.0))])
    assert make_pose_section(make_dossier()) is None


def test_without_key_frames_and_rows_there_are_no_pictures_and_no_table(
    make: Callable[..., ReportData], params: ReportParams, read_page: Callable
) -> None:
    bare = params.model_copy(update={"key_frames": 0, "table_rows": 0})
    names = [tag for tag, _ in read_page(make_pose_section(make(params=bare)).body).tags]
    assert "img" not in names and "table" not in names and "svg" in names


def test_one_pose_in_one_frame_is_enough_for_a_page(
    make_dossier: Callable[..., ReportData], params: ReportParams, read_page: Callable
) -> None:
    size = {"width": 640, "height": 360, "params": params.model_copy(update={"film": False})}
    dossier = make_dossier([(0, 1, 0, 0.9, (190.0, 90.0, 270.0, 310.0))], status=["ok"], **size)
    found = make_poses(dossier)
    page = read_page(
        make_pose_section(replace(dossier, poses=found, kinematics=make_kinematics(found, walks=False))).body
    )
    assert sum(tag == "img" for tag, _ in page.tags) == 1


def test_the_curve_over_a_stride_is_the_knee_from_strike_to_strike(make: Callable[..., ReportData]) -> None:
    dossier = make()
    (person,) = summarise_people(dossier.kinematics, dossier.tracks, dossier.frames.ok)
    curves = collect_strides(dossier.kinematics, person, "left")
    share = np.linspace(0, 1, 101)
    assert curves.shape == (3, 101)
    assert curves == pytest.approx(np.tile(30 + 30 * np.sin(2 * np.pi * (share + 0.2)), (3, 1)), abs=0.3)
    dossier.kinematics.knee_left[40] = np.nan
    assert len(collect_strides(dossier.kinematics, person, "left")) == 2
    assert (person.steps, person.cadence, person.coverage) == (8, 120, 1)
    assert person.knee_left == pytest.approx(60, abs=1.5)  # 0 to 60, but for the outermost twentieths
    assert person.step == pytest.approx(0.2 * (np.cos(2 * np.pi * 0.2) - np.cos(2 * np.pi * 0.68)), abs=1e-3)


def test_people_who_walk_come_first(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(**VIDEO)
    tables = [make_kinematics(make_poses(dossier, i), walks=i == 2) for i in (1, 2)]
    order = np.argsort(np.concatenate([t.frame for t in tables]), kind="stable")
    both = replace(
        tables[0],
        **{f.name: np.concatenate([getattr(t, f.name) for t in tables])[order] for f in Kinematics.column_fields()},
    )
    assert [person.track_id for person in summarise_people(both, dossier.tracks, dossier.frames.ok)] == [2, 1]


def test_a_stride_chart_of_one_side_has_no_other_and_of_one_stride_no_band() -> None:
    drawn = str(render_stride_chart({"left": np.full((1, 101), 30.0), "right": np.empty((0, 101))}))
    assert "knee left" in drawn and "right" not in drawn.replace("Knees", "") and "deviation" not in drawn


@pytest.mark.parametrize("start,stop", [(0.0, 0.04), (3.7, 5.2), (0.0, 80.0), (59.0, 400.0)])
def test_ticks_lie_on_the_chart_at_round_times(start: float, stop: float) -> None:
    ticks = ChartSpan(start, stop).make_ticks()
    shares = [share for share, _ in ticks]
    assert 1 <= len(ticks) <= 6
    assert all(-1e-6 <= share <= 1 + 1e-6 for share in shares) and shares == sorted(shares)


def test_the_overlay_shows_left_and_right_in_their_colours(make: Callable[..., ReportData]) -> None:
    dossier = make()
    picture = render_frame(dossier, 10)
    for x, colour in ((200, LEFT), (260, RIGHT)):
        side = picture[190:290, x].astype(int)
        assert (np.abs(side - colour).max(axis=1) < 12).mean() > 0.8
    assert (
        np.abs(render_frame(replace(dossier, poses=None), 10)[190:290, 200].astype(int) - LEFT).max(axis=1) > 12
    ).all()


def test_bones_with_an_unknown_end_are_left_out() -> None:
    xy = np.full((KEYPOINT_COUNT, 2), np.nan, np.float32)
    picture = np.zeros((480, 640, 3), np.uint8)
    draw_skeleton(picture, Canvas(640, 480), xy, (9, 9, 9))
    assert not picture.any()
    xy[KEYPOINT_INDEX["knee_left"]], xy[KEYPOINT_INDEX["ankle_left"]] = (100, 100), (100, 300)
    draw_skeleton(picture, Canvas(640, 480), xy, (9, 9, 9))
    rows, columns = np.nonzero(picture.any(axis=2))
    assert (rows.min(), rows.max()) == pytest.approx((100, 300), abs=4) and np.abs(columns - 100).max() <= 4
