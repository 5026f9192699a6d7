"""Each section by itself: what it says, and what it leaves out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tasks.report.formatting import TIMES
from tasks.report.params import ReportParams
from tasks.report.report_data import ReportData
from tasks.report.sections.counts_section import count_per_frame, make_counts_section
from tasks.report.sections.data_section import make_data_section
from tasks.report.sections.file_section import make_file_section
from tasks.report.sections.film_player_section import list_layers, make_film_player_section
from tasks.report.sections.key_frames_section import make_key_frames_section
from tasks.report.sections.score_section import make_score_section
from tasks.report.sections.timeline_section import make_timeline_section, merge_short_segments
from tasks.report.sections.track_gallery import SIDE_PX, make_track_gallery, render_portrait
from tasks.report.sections.track_table_section import make_track_table_section
from tasks.report.track_summary import TrackSegment


def _many(count: int) -> list:
    """`count` tracks, the later the longer."""
    return [(f, k, k % 3, 0.9, (5.0 * k, 5, 5.0 * k + 20, 60)) for k in range(1, count + 1) for f in range(k)]


@pytest.fixture
def without_film(params: ReportParams) -> ReportParams:
    return params.model_copy(update={"film": False})


def test_timeline_draws_the_longest_in_order_of_appearance(
    make_dossier: Callable[..., ReportData], without_film: ReportParams, read_page: Callable
) -> None:
    section = make_timeline_section(make_dossier(_many(8), params=without_film))
    assert section is not None
    page = read_page(section.body)
    assert page.count("g", "track") == 5
    assert "3 more tracks" in page.text
    assert "person 3" not in page.text


def test_timeline_bars_stand_where_the_track_was(
    make_dossier: Callable[..., ReportData], without_film: ReportParams, walk: list, read_page: Callable
) -> None:
    section = make_timeline_section(make_dossier(walk, params=without_film))
    assert section is not None
    page = read_page(section.body)
    bars = [found for tag, found in page.tags if tag == "rect" and found.get("class") in (None, "filled")]
    assert [(b["x"], b["width"], b.get("class")) for b in bars] == [
        ("0%", "33.333%", None),
        ("33.333%", "16.667%", "filled"),
        ("50%", "16.667%", None),
        ("75%", "25%", None),
        ("25%", "25%", None),
    ]


def test_stretches_too_short_to_see_are_joined() -> None:
    flicker = tuple(TrackSegment(i / 1000, (i + 1) / 1000, i % 2 == 0) for i in range(1000))
    assert len(merge_short_segments(flicker, finest_s=0.01)) == 1
    apart = (TrackSegment(0, 1, True), TrackSegment(2, 3, True), TrackSegment(3, 4, False))
    assert merge_short_segments(apart, finest_s=0.01) == list(apart)


def test_faults_are_marked_in_charts_over_time(
    make_dossier: Callable[..., ReportData], without_film: ReportParams, walk: list
) -> None:
    dossier = make_dossier(walk, status=["ok"] * 3 + ["damaged"] * 2 + ["lost"] * 3 + ["ok"] * 4, params=without_film)
    section = make_timeline_section(dossier)
    assert section is not None
    assert 'class="fault damaged" x="25%" width="16.667%"' in section.body
    assert 'class="fault lost" x="41.667%" width="25%"' in section.body
    assert "Bands mark" in section.lead


def test_census_counts_each_class_in_each_frame(make_dossier: Callable[..., ReportData], walk: list) -> None:
    person, car = count_per_frame(make_dossier(walk))
    assert (person.class_name, car.class_name) == ("person", "car")
    assert person.amounts.tolist() == [1] * 8 + [0] + [1] * 3
    assert car.amounts.tolist() == [0] * 3 + [1] * 3 + [0] * 6


def test_counts_name_the_greatest_number_at_once(make_dossier: Callable[..., ReportData]) -> None:
    section = make_counts_section(
        make_dossier([(f, k, 0, 0.9, (1.0, 1, 9, 9)) for k in (1, 2, 3) for f in range(3 * k, 12)])
    )
    assert section is not None
    assert section.lead.startswith("At most 3 person tracks at once, at 0:00.3.")


def test_counts_of_a_long_video_stay_small(make_dossier: Callable[..., ReportData]) -> None:
    rows = [(f, 1 + f, 0, 0.9, (1.0, 1, 9, 9)) for f in range(0, 3000, 2)]
    section = make_counts_section(make_dossier(rows, status=["ok"] * 3000, width=16, height=16))
    assert section is not None
    assert len(section.body) < 20_000


def test_scores_tell_tracked_detections_from_the_rest(
    make_dossier: Callable[..., ReportData], walk: list, read_page: Callable
) -> None:
    dossier = make_dossier(walk)
    keep = dossier.tracks.track_id == 2
    half = replace(dossier, tracks=dossier.tracks.take(keep))
    assert "Scores of 12 detections; 25% of them" in make_score_section(half).lead
    bars = [found for tag, found in read_page(make_score_section(half).body).tags if tag == "rect"]
    assert sum(b["class"] == "used" for b in bars) == 1


def test_portraits_show_the_longest_and_count_the_rest(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    section = make_track_gallery(make_dossier(_many(8)))
    assert section is not None
    page = read_page(section.body)
    assert sum(tag == "img" for tag, _ in page.tags) == 3
    assert "car 8" in page.text and "and 5 more tracks" in page.text


@pytest.mark.parametrize(
    "box", [(0, 0, 160, 90), (150, 80, 160, 90), (-9, -9, 3, 3), (70, 40, 71, 41), (0, 40, 160, 50)]
)
def test_a_portrait_is_square_whatever_the_box(box: tuple[float, float, float, float]) -> None:
    image = np.full((90, 160, 3), 90, np.uint8)
    image.flags.writeable = False
    assert render_portrait(image, np.array(box, np.float32), (255, 0, 0)).shape == (SIDE_PX, SIDE_PX, 3)


def test_a_portrait_outlines_its_box() -> None:
    cut = render_portrait(np.full((360, 640, 3), 90, np.uint8), np.array([300, 100, 340, 200], np.float32), (255, 0, 0))
    red = (cut[..., 0] > 200) & (cut[..., 1] < 50)
    ys, xs = np.nonzero(red)
    scale = SIDE_PX / 130
    assert ys.max() - ys.min() == pytest.approx(100 * scale, abs=4)
    assert xs.max() - xs.min() == pytest.approx(40 * scale, abs=4)


def test_the_table_holds_the_figures_of_each_track(
    make_dossier: Callable[..., ReportData], walk: list, read_page: Callable
) -> None:
    section = make_track_table_section(make_dossier(walk))
    assert section is not None
    cells = [found["data-v"] for tag, found in read_page(section.body).tags if tag == "td"]
    assert cells[:2] == ["1", "person"]
    assert [float(v) for v in cells[2:8]] == pytest.approx([0, 0.48, 11, 0.5544, 55, 125], rel=1e-3)


def test_the_table_keeps_to_its_rows(make_dossier: Callable[..., ReportData], read_page: Callable) -> None:
    section = make_track_table_section(make_dossier(_many(9)))
    assert section is not None
    page = read_page(section.body)
    assert sum(tag == "tr" for tag, _ in page.tags) == 1 + 6
    assert "3 more tracks" in page.text


def test_the_data_names_files_rows_columns_and_units(
    make_dossier: Callable[..., ReportData], walk: list, read_page: Callable
) -> None:
    text = read_page(make_data_section(make_dossier(walk)).body).text
    assert "data/tracks/clip.parquet" in text and "14 rows" in text
    assert "presentation time" in text
    assert "data/dense_flow/clip.parquet" in text and "11 pairs" in text
    assert "where in the first frame the forward flow holds" in text
    assert "detector's confidence" in text


def test_the_data_has_every_artifact_with_its_shape_and_code_that_reads_just_it(
    make_dossier: Callable[..., ReportData], walk: list, read_page: Callable
) -> None:
    data = make_dossier(walk, file="day 1/it's.mp4")
    page = read_page(make_data_section(data).body)
    paths = [attrs["data-path"] for tag, attrs in page.tags if tag == "details" and "data-path" in attrs]
    names = "frames detections dense_flow features semantic_flow matches tracks"
    endings = {"features": "npy", "semantic_flow": "npy"}
    assert paths == [f"data/{name}/day 1/it's.{endings.get(name, 'parquet')}" for name in names.split()]
    rows, columns, size = data.features.values.shape[1:]
    assert f" {TIMES} ".join(map(str, (12, rows, columns, size))) + " (frame, row, column, dimension)" in page.text
    assert 'rows = ds.tracks.to_pandas(videos="day 1/it\'s"' in page.text
    assert 'features = ds["day 1/it\'s"].features' in page.text
    assert "A row per tracked object and frame" in page.text


def test_snippets_run_on_names_with_quotes(
    make_dossier: Callable[..., ReportData], walk: list, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from html import unescape

    dossier = make_dossier(walk, file='it\'s "odd" ü.mp4')
    for name, table in (("tracks", dossier.tracks), ("frames", dossier.frames)):
        path = type(table).path(tmp_path, dossier.video)
        path.parent.mkdir(parents=True)
        table.save(path)
        assert name in str(path)
    text = unescape(str(make_data_section(dossier).body))
    code = text.split("with pandas alone")[1].split("<pre")[1].split("<code>")[1].split("</code>")[0]
    monkeypatch.chdir(tmp_path)
    *lines, last = code.splitlines()
    scope: dict = {}
    exec("\n".join(lines), scope)
    person = eval(last, scope).loc[("person", 1)]
    assert (person.frames, person.seen) == (11, 9)
    assert {"first_frame_s", "last_frame_s"} <= set(person.index)
    assert json.dumps(dossier.video, ensure_ascii=False)[1:-1] in code


def test_the_account_names_one_container_and_says_what_is_wrong(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    section = make_file_section(
        make_dossier(status=["ok", "damaged", "lost"], rotation_deg=90, vfr=True, pts_s=[1.4, 1.5, 2])
    )
    page = read_page(section.body)
    assert "h264 in mp4, yuv420p" in page.text
    assert "90° clockwise, applied" in page.text
    assert "varying (VFR)" in page.text
    assert "0:01.400" in page.text
    assert page.count("tr", "warn") == page.count("tr", "bad") == 1


def test_key_frames_are_spread_over_the_whole_ones(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    section = make_key_frames_section(make_dossier(status=["lost"] * 4 + ["ok"] * 8))
    assert section is not None
    found = [float(attrs["data-t"]) * 25 for tag, attrs in read_page(section.body).tags if tag == "button"]
    assert found == pytest.approx([5, 7, 9, 11])


def test_parameters_of_nought_leave_sections_out(
    make_dossier: Callable[..., ReportData], params: ReportParams, walk: list
) -> None:
    nought = {"key_frames": 0, "portraits": 0, "timeline_rows": 0, "table_rows": 0, "film": False}
    dossier = make_dossier(walk, params=params.model_copy(update=nought))
    written = (
        make_key_frames_section,
        make_track_gallery,
        make_timeline_section,
        make_track_table_section,
        make_film_player_section,
    )
    assert [write(dossier) for write in written] == [None] * 5


def test_layers_that_the_film_has_not_cannot_be_switched(make_dossier: Callable[..., ReportData], walk: list) -> None:
    there = {layer.name: layer.there for layer in list_layers(make_dossier(walk))}
    assert there == {
        "boxes": True,
        "names": True,
        "trails": True,
        "skeletons": False,
        "field": False,
        "masks": False,
        "arrows": True,
    }


def test_a_film_without_any_whole_frame_has_a_player_without_a_picture(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    section = make_film_player_section(make_dossier(status=["lost"] * 5))
    assert section is not None
    assert not [address for address in read_page(section.body).addresses if address.startswith("data:")]
