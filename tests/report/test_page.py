"""The whole report: self-contained, escaped, repeatable, calm about odd inputs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup

from tasks.artifacts.report import Report
from tasks.errors import SemflowError
from tasks.report import page
from tasks.report.params import ReportParams
from tasks.report.report_data import ReportData
from tasks.report.section import Section
from tasks.report.stage import report


def _write(dossier: ReportData, folder: Path) -> str:
    streamed = report(**{name: getattr(dossier, name) for name in (*report.inputs, "params")})
    return (streamed.to(folder).folder / Report.PAGE).read_text(encoding="utf-8")


def test_a_report_is_a_page_and_a_video(make_dossier: Callable[..., ReportData], walk: list, tmp_path: Path) -> None:
    _write(make_dossier(walk), tmp_path / "clip")
    assert sorted(file.name for file in (tmp_path / "clip").iterdir()) == ["film.js", "film.mp4", "index.html"]


def test_the_page_asks_for_nothing_but_the_video_beside_it(
    make_dossier: Callable[..., ReportData], walk: list, read_page: Callable
) -> None:
    html = page.render_page(make_dossier(walk))
    outside = {a for a in read_page(html).addresses if not a.startswith(("data:", "#"))}
    assert outside == {"film.mp4", "film.js", "../index.html"}
    assert not re.search(r"url\(|@import|//[a-z]+\.", html.replace("http://www.w3.org/2000/svg", ""))


def test_sections_have_their_own_anchors_and_links(
    make_dossier: Callable[..., ReportData], walk: list, read_page: Callable
) -> None:
    found = read_page(page.render_page(make_dossier(walk)))
    assert len(found.ids) == len(set(found.ids))
    anchors = [a[1:] for a in found.addresses if a.startswith("#") and a != "#main"]
    assert anchors == ["film", "movement", "tracking", "correspondence", "quality", "files", "words"]
    assert set(anchors) <= set(found.ids)
    labels = [str(attrs["aria-labelledby"]) for tag, attrs in found.tags if tag == "section" and attrs["id"] != "film"]
    assert set(labels) <= set(found.ids)


def test_pictures_and_buttons_have_names(
    make_dossier: Callable[..., ReportData], walk: list, read_page: Callable
) -> None:
    found = read_page(page.render_page(make_dossier(walk)))
    assert all(attrs.get("alt") is not None for tag, attrs in found.tags if tag == "img")
    assert all(attrs.get("aria-label") for tag, attrs in found.tags if tag == "svg" and attrs.get("role") == "img")
    assert ("html", {"lang": "en"}) in found.tags


def test_the_same_inputs_give_the_same_bytes(
    make_dossier: Callable[..., ReportData], walk: list, tmp_path: Path
) -> None:
    dossier = make_dossier(walk)
    for name in ("a", "b"):
        _write(dossier, tmp_path / name)
    for file in (Report.PAGE, Report.FILM, Report.FILM_SCRIPT):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_names_cannot_break_the_page(make_dossier: Callable[..., ReportData], walk: list, read_page: Callable) -> None:
    evil = "</script></style><img src=x onerror=alert(1)>\"'&"
    names = {0: evil, 2: "<b>car</b>"}
    html = page.render_page(make_dossier(walk, names, file=f"{evil} 舞踊.mp4", notes=(evil,)))
    plain = read_page(page.render_page(make_dossier(walk)))
    found = read_page(html)
    assert evil in found.text and "舞踊" in found.text
    for tag in ("script", "style", "b"):
        assert sum(t == tag for t, _ in found.tags) == sum(t == tag for t, _ in plain.tags)
    assert not any("onerror" in attrs for _, attrs in found.tags)


@pytest.mark.parametrize(
    ("status", "has_video"),
    [(["ok"] * 3, True), (["ok"], True), (["lost"] * 3, True), (["damaged"] * 3, True), ([], False)],
)
def test_a_video_without_anything_in_it_gets_a_calm_page(
    make_dossier: Callable[..., ReportData], read_page: Callable, tmp_path: Path, status: list[str], has_video: bool
) -> None:
    text = read_page(_write(make_dossier(status=status), tmp_path / "clip")).text
    assert "There are no tracks in this video." in text
    assert "nan" not in text.lower().split() and "None" not in text
    assert (tmp_path / "clip" / Report.FILM).is_file() == has_video
    assert (tmp_path / "clip" / Report.FILM_SCRIPT).is_file() == has_video


def test_a_track_in_a_video_of_one_frame_is_shown(make_dossier: Callable[..., ReportData], read_page: Callable) -> None:
    found = read_page(page.render_page(make_dossier([(0, 1, 0, 0.9, (10.0, 10, 40, 80))], status=["ok"])))
    assert "person 1" in found.text
    assert "Its one frame came out whole." in found.text


def test_the_film_can_be_left_out_and_one_with_everything_drawn_in_be_added(
    make_dossier: Callable[..., ReportData], params: ReportParams, walk: list, tmp_path: Path, read_page: Callable
) -> None:
    dossier = make_dossier(walk, params=params.model_copy(update={"film": False}))
    addresses = read_page(_write(dossier, tmp_path / "still")).addresses
    assert not {"film.mp4", "film.js"} & set(addresses)
    assert "There is no film here, since `report.film` is false" in (tmp_path / "still" / Report.PAGE).read_text()
    assert [file.name for file in (tmp_path / "still").iterdir()] == ["index.html"]
    dossier = make_dossier(walk, params=params.model_copy(update={"overlay": True}))
    assert "overlay.mp4" in read_page(_write(dossier, tmp_path / "both")).addresses
    assert (tmp_path / "both" / Report.OVERLAY).is_file()


def test_hundreds_of_tracks_keep_the_page_small(make_dossier: Callable[..., ReportData], params: ReportParams) -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f, k, k % 3, float(rng.choice([0.0, 0.5])), (float(k % 100), 5.0, float(k % 100) + 30, 80.0))
        for k in range(1, 601)
        for f in rng.choice(300, 40, replace=False).tolist()
    ]
    wide = {"portraits": 24, "timeline_rows": 60, "table_rows": 500, "film": False}
    html = page.render_page(make_dossier(rows, status=["ok"] * 300, params=params.model_copy(update=wide)))
    assert len(html.encode()) < 2_000_000


def test_a_stage_adds_a_section_with_one_function(
    make_dossier: Callable[..., ReportData], read_page: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sharpness(dossier: ReportData) -> Section:
        return Section("sharpness", "How sharp", f"{len(dossier.frames)} frames.", Markup("<p>very</p>"), "narrow")

    group = page.SectionGroup("looks", "Looks", "How it looks.", (sharpness,))
    monkeypatch.setattr(page, "GROUPS", (*page.GROUPS, group))
    found = read_page(page.render_page(make_dossier()))
    assert "How sharp 12 frames. very" in found.text
    assert found.count("section", "narrow") == 1


def test_a_video_in_a_folder_finds_its_way_to_the_index(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    found = read_page(page.render_page(make_dossier(file="day 1/camera.2.mp4")))
    assert "../index.html" in found.addresses, "folders of reports do not nest"
    assert "day 1/camera.2" in found.text


def test_a_folder_without_a_page_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(SemflowError, match=r"must hold index\.html, got none"):
        Report.load(tmp_path)


def test_declaring_the_stage_imports_nothing_heavy(checkout: Path) -> None:
    heavy = ("av", "cv2", "jinja2", "pandas", "pyarrow")
    code = f"import sys, tasks.report.stage; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
