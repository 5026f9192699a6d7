"""The index over all videos."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from flows.engine.outcome import Item, Outcome
from flows.engine.plan import ItemState
from flows.overview.film_facts import CELLS_ACROSS, CELLS_DOWN, summarise_labels, summarise_people_of_film
from flows.overview.index import state_errors
from flows.overview.index_page import IndexItem, make_index_item, render_index, summarise_videos
from tasks.artifacts.actions import Actions
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.report import Report
from tasks.artifacts.table import NULL
from tasks.artifacts.tracks import Tracks
from tests.report.action_tables import make_actions

ACCOUNT = DecodeReport(
    file="a.mp4",
    container="mp4",
    codec="h264",
    pixel_format="yuv420p",
    source_width=640,
    source_height=360,
    rotation_deg=0,
    fps=25.0,
    vfr=False,
    duration_s=60.0,
    expected=1500,
    decoded=1498,
    damaged=3,
    lost=2,
    kept=1500,
    width=640,
    height=360,
    encoding="png",
)


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.names: list[str] = []
        self.tags: list[str] = []
        self._in_name = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [str(value) for key, value in attrs if key in ("src", "href") and value]
        if tag == "h2":
            self._in_name = True
            self.names.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_name = self._in_name and tag != "h2"

    def handle_data(self, data: str) -> None:
        if self._in_name:
            self.names[-1] += data.strip()


def _project(root: Path, video: str, status: str = "ok") -> None:
    """Three frames, two detections, two tracks and a page."""
    picture = np.full((36, 64, 3), (200, 60, 20), np.uint8)
    rows = [Frame(i, i / 25, status, None if status == "lost" else picture) for i in range(3)]
    facts = {"frame_count": 3, "width": 64, "height": 36}
    box = {name: np.full(3, v, np.float32) for name, v in (("x1", 1), ("y1", 1), ("x2", 9), ("y2", 9))}
    same = {
        "class_id": np.array([0, 0, 2], np.int16),
        "class_name": np.array(["person", "person", "car"], dtype=object),
        "score": np.full(3, 0.9, np.float32),
        **box,
        **facts,
    }
    tracks = Tracks(
        frame=np.array([0, 1, 1], np.int32),
        track_id=np.array([1, 1, 2], np.int32),
        detection=np.arange(3, dtype=np.int32),
        **same,
    )
    for kind in (Frames, Detections, Tracks, Report):
        kind.path(root, video).parent.mkdir(parents=True, exist_ok=True)
    account = replace(ACCOUNT, width=64, height=36)
    Frames.stream(rows, lambda: account, encoding="png").save(Frames.path(root, video))
    Detections(frame=np.array([0, 1, 1], np.int32), **same).save(Detections.path(root, video))
    tracks.save(Tracks.path(root, video))
    Report.path(root, video).mkdir()
    (Report.path(root, video) / Report.PAGE).write_text("page")


def test_an_item_says_what_the_artifacts_say(tmp_path: Path) -> None:
    _project(tmp_path, "a b#1")
    item = make_index_item(tmp_path, "a b#1")
    assert (item.state, item.detections, item.tracks) == ("ok", 3, {"car": 1, "person": 1})
    assert item.link == "a%20b%231/index.html"
    assert item.account is not None and item.account.damaged == 3
    assert item.thumbnail is not None
    seen = cv2.imdecode(np.frombuffer(item.thumbnail, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert seen is not None
    assert seen[10, 10] == pytest.approx((200, 60, 20), abs=8)


def test_an_item_without_a_whole_frame_has_no_thumbnail(tmp_path: Path) -> None:
    _project(tmp_path, "dark", status="lost")
    assert make_index_item(tmp_path, "dark").thumbnail is None


def test_an_item_with_nothing_made_yet_is_bare(tmp_path: Path) -> None:
    assert make_index_item(tmp_path, "new") == IndexItem("new")


def test_failures_come_first_then_names() -> None:
    items = [
        IndexItem("b"),
        IndexItem("z", "failed", "decode", "z.mp4 must be a video, got text"),
        IndexItem("a"),
        IndexItem("c", "failed", "track", "no"),
    ]
    html = render_index(items)
    assert _Page(html).names[1:] == ["c", "z", "a", "b"]  # after the heading of failures
    assert "failed in decode" in html and "z.mp4 must be a video, got text" in html


def test_the_page_does_not_depend_on_the_order_of_the_items() -> None:
    items = [
        IndexItem("b", account=ACCOUNT),
        IndexItem("a", tracks={"person": 2}, detections=9),
        IndexItem("c", "failed"),
    ]
    pages = {render_index(order) for order in itertools.permutations(items)}
    assert len(pages) == 1


def test_the_summary_adds_up() -> None:
    items = [
        IndexItem("a", account=ACCOUNT, tracks={"person": 3, "car": 1}),
        IndexItem("b", account=ACCOUNT, tracks={"person": 1}),
        IndexItem("c", "failed", "decode", "no"),
    ]
    said = summarise_videos(items).replace("\u202f", "")
    assert said == "3 videos, 1 failed. 2 min of video in 3000 frames (6 damaged, 4 lost), 5 tracks."
    whole = IndexItem("a", account=replace(ACCOUNT, damaged=0, lost=0))
    assert summarise_videos([whole]).startswith("1 video. ")
    assert "all decoded without damage" in summarise_videos([whole])
    assert "without damage" not in summarise_videos(items[:1])


def test_no_videos_say_what_to_do() -> None:
    assert "put some into data/raw" in render_index([])


def test_the_page_is_self_contained_and_links_to_reports() -> None:
    html = render_index([IndexItem("a", link="a/index.html", thumbnail=b"\xff\xd8", account=ACCOUNT)])
    outside = {a for a in _Page(html).addresses if not a.startswith(("data:", "#"))}
    assert outside == {"a/index.html"}
    assert not re.search(r"url\(|@import", html)


def test_names_and_errors_are_escaped() -> None:
    evil = "<img src=x onerror=alert(1)> & 'ü'"
    found = _Page(
        render_index([IndexItem(evil, "failed", evil, evil), IndexItem(evil, tracks={evil: 1}, detections=1)])
    )
    assert found.names[1:] == [evil, evil]
    assert "img" not in found.tags


def test_the_data_of_the_page_cannot_end_its_script() -> None:
    html = render_index([IndexItem("</script>", tracks={"<!--": 1}, actions={"</script>": 2.0})])
    data = html.partition('id="films-data">')[2].partition("</script>")[0]
    (film,) = json.loads(data)["films"]
    assert (film["video"], film["tracks"], film["actions"]) == ("</script>", {"<!--": 1}, {"</script>": 2.0})


def test_people_are_counted_by_place_and_at_once(tmp_path: Path) -> None:
    _project(tmp_path, "a")
    facts = summarise_people_of_film(Tracks.path(tmp_path, "a"))
    assert (dict(facts.tracks), facts.most_people) == ({"car": 1, "person": 1}, 1)
    cells = np.array(facts.presence).reshape(CELLS_DOWN, CELLS_ACROSS)
    assert cells[1, 1] == cells.sum() == 2, "both boxes of the person have their centre at (5, 5) of 64 x 36"


def test_labels_add_up_over_confident_windows_of_the_fused_stream_alone(tmp_path: Path) -> None:
    rows = [
        (0, 10, "rgb", NULL, 1, "wave", 0.9),
        (0, 10, "fused", NULL, 1, "clap", 0.8),
        (0, 10, "fused", NULL, 2, "wave", 0.2),
        (20, 45, "fused", NULL, 1, "clap", 0.7),
        (50, 60, "fused", NULL, 1, "wave", 0.3),
    ]
    Actions.path(tmp_path, "a").parent.mkdir(parents=True)
    make_actions(rows, frame_count=99).save(Actions.path(tmp_path, "a"))
    assert summarise_labels(Actions.path(tmp_path, "a")) == {"clap": 1.4}


def test_an_item_that_crashed_is_shown_with_its_error_and_not_with_what_it_would_wait_for() -> None:
    items = [Item("walk", "fit_field"), Item("walk", "report"), Item("bikes", "track")]
    plan: Any = SimpleNamespace(
        states={
            items[0]: ItemState(items[0], "stale", "waits for decode walk"),
            items[1]: ItemState(items[1], "blocked", "fit_field walk is not up to date"),
            items[2]: ItemState(items[2], "fresh"),
        }
    )
    plan.set_state = lambda state: plan.states.update({state.item: state})
    results = ("failed", "blocked", "failed")
    errors = ("RuntimeError: a bug", "fit_field walk failed", "an earlier attempt")
    state_errors(plan, [Outcome(i.video, i.stage, r, error=e) for i, r, e in zip(items, results, errors, strict=True)])
    assert [plan.states[item].reason for item in items] == [
        "RuntimeError: a bug", "fit_field walk is not up to date", "",
    ]  # fmt: skip
