"""The film page in headless Chromium: it plays, steps, seeks, switches and links, and asks nobody for anything."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from flows.overview.dataset_facts import ArtifactFacts, DatasetFacts, StageFacts
from flows.overview.dataset_notes import DatasetNotes
from flows.overview.recipes_script import render_recipes_script
from tasks.artifacts.shots import Shots, Transition
from tasks.artifacts.table import NULL
from tasks.report.film_data.film_script import VARIABLE
from tasks.report.film_data.packed_series import pack_series
from tasks.report.page import render_page
from tasks.report.page_template import read_asset
from tasks.report.report_data import ReportData
from tasks.report.stage import report
from tests.report.action_tables import make_actions
from tests.report.browser import open_browser, watch_processor_time
from tests.report.figures import make_kinematics, make_poses
from tests.report.long_film import pack_long_film

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BASE, STEP, COUNT = 20, 4, 48
"""Grey of the first frame, and how much brighter each frame is than the one before: its grey tells which one it is."""
PATIENCE_S = 20.0
"""How long a picture may take on a busy machine."""
GAPS_S = [0.04 + 0.03 * (i % 3 == 1) for i in range(COUNT)]
TIMES_S = [5 + sum(GAPS_S[:i]) for i in range(COUNT)]
"""Of a film with a varying frame rate, which does not begin at 0."""
NO_FRAME_CALLBACKS = """
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
delete HTMLVideoElement.prototype.requestVideoFrameCallback;
document.addEventListener("seeking", (event) => ask.call(event.target, () => {}), true);
"""
"""Hides frame callbacks from the page, as in a browser without them. Chromium must still be asked for the frame: else,
once in fifty seeks of a paused film, it goes on showing the picture before."""
DISSOLVE = 20, 27
"""First and last frame of the one transition."""
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def folder(make_dossier: Callable[..., ReportData], tmp_path: Path) -> Path:
    """The report of a film with a person in every frame, a car in some, poses and actions, damaged at frame 40."""
    rows = [(f, 1, 0, 0.9, (60.0 + f, 20.0, 90.0 + f, 80.0)) for f in range(COUNT)]
    rows += [(f, 2, 2, 0.9 if f % 2 else 0.0, (5.0, 5.0, 40.0, 30.0)) for f in range(10, 20)]
    status = ["damaged" if f == 40 else "ok" for f in range(COUNT)]
    data = make_dossier(rows, status=status, pts_s=TIMES_S, base=BASE, step=STEP)
    found = make_poses(data)
    small = {"smooth_x": found.smooth_x / 2 - 40, "smooth_y": found.smooth_y / 5 + 20}
    poses = replace(found, **small)
    said = [(0, 23, "rgb", NULL, 1, "waving", 0.9), (24, 47, "rgb", NULL, 1, "clapping", 0.4)]
    actions = make_actions(said, frame_count=COUNT)
    shots = Shots.from_transitions([Transition("dissolve", 24, *DISSOLVE, 0.9)], data.frames.pts_s)
    data = replace(data, poses=poses, kinematics=make_kinematics(poses), actions=actions, shots=shots)
    inputs = {name: getattr(data, name) for name in report.inputs if name != "semantic_field"}
    return report(**inputs, semantic_field=None, params=data.params).to(tmp_path / "clip").folder


@pytest.fixture
def open_page(browser: Browser, folder: Path) -> Generator[Callable[..., Page]]:
    """Opens the report and waits for its player; fails the test on errors of the page and on requests that leave it."""
    complaints: list[str] = []
    contexts = []

    def open_page(link: str = "", script: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: _note_stranger(asked.url, folder, complaints))
        if script:
            page.add_init_script(script)
        page.goto(f"{folder.as_uri()}/index.html{link}")
        page.wait_for_selector("#player[data-ready]")
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _note_stranger(url: str, folder: Path, complaints: list[str]) -> None:
    if not url.startswith((folder.as_uri(), "data:", "blob:")):
        complaints.append(f"asked for {url}")


def shown_frame(page: Page) -> int:
    """The frame that the picture shows, by its grey; overlays are switched off and on again."""
    canvas = page.locator(".view canvas")
    canvas.evaluate("canvas => canvas.style.visibility = 'hidden'")
    page.wait_for_timeout(150)
    png = page.locator(".screen").screenshot()
    canvas.evaluate("canvas => canvas.style.visibility = ''")
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"), np.float64)
    height, width = picture.shape
    grey = float(np.median(picture[height // 4 : height // 2, width // 4 : width // 2]))
    return round((grey - BASE) / STEP)


def wait_for_frame(page: Page, frame: int | None = None) -> tuple[int, int]:
    """The frame that the clock says and the one that the picture shows; waits until they are `frame`, or agree."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = said_frame(page), shown_frame(page)
        if found == (frame, frame) or (frame is None and found[0] == found[1]) or time.monotonic() > until:
            return found


def said_frame(page: Page) -> int:
    return int(page.locator(".clock").inner_text().split("frame ")[1].split()[0])


def drawn_pixels(page: Page) -> int:
    """How many pixels of the overlay are drawn upon."""
    page.wait_for_timeout(100)
    return page.evaluate("""() => {
        const canvas = document.querySelector(".view canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, place) => place % 4 === 3 && value).length;
    }""")


def test_the_film_plays_and_the_overlay_goes_with_it(open_page: Callable[..., Page]) -> None:
    page = open_page()
    assert said_frame(page) == shown_frame(page) == 0
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('video').currentTime > 0.3")
    page.get_by_role("button", name="Pause").click()
    said, shown = wait_for_frame(page)
    assert said == shown > 3
    assert drawn_pixels(page) > 100


@pytest.mark.parametrize("script", ["", NO_FRAME_CALLBACKS])
def test_steps_are_single_frames_with_and_without_frame_callbacks(open_page: Callable[..., Page], script: str) -> None:
    page = open_page(script=script)
    for key, frame in (("ArrowRight", 1), (".", 2), (".", 3), (",", 2), ("End", COUNT - 1), ("Home", 0)):
        page.keyboard.press(key)
        assert wait_for_frame(page, frame) == (frame, frame), key


def test_a_link_opens_its_moment_and_its_track(open_page: Callable[..., Page]) -> None:
    wanted = 17
    page = open_page(f"#t={TIMES_S[wanted] - TIMES_S[0]:.3f}&track=2")
    assert wait_for_frame(page, wanted) == (wanted, wanted)
    assert page.locator(".picked").inner_text().startswith("car 2")


def test_a_link_is_written_when_the_viewer_moves(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.keyboard.press("End")
    page.wait_for_function("location.hash.startsWith('#t=')")
    page.reload()
    page.wait_for_selector("#player[data-ready]")
    assert wait_for_frame(page, COUNT - 1)[0] == COUNT - 1


def test_a_click_on_an_event_of_the_timeline_shows_its_frame(open_page: Callable[..., Page]) -> None:
    page = open_page()
    lanes = page.locator(".lanes")
    box = lanes.bounding_box()
    assert box is not None
    span = TIMES_S[-1] - TIMES_S[0] + float(np.median(np.diff(TIMES_S)))
    for frame in (24, 40):
        middle = TIMES_S[frame] - TIMES_S[0] + GAPS_S[frame] / 2
        lanes.click(position={"x": box["width"] * middle / span, "y": 30})
        assert wait_for_frame(page, frame) == (frame, frame)
    assert "damaged" in page.locator(".clock").inner_text()
    assert "clapping" in page.locator(".now").inner_text()


def test_pointing_at_the_row_of_shots_says_which_shot_and_what_kind_of_transition(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    lanes = page.locator(".lanes")
    box = lanes.bounding_box()
    assert box is not None
    for share, words in ((0.02, "shot 1 of 2"), (0.98, "shot 2 of 2")):
        lanes.hover(position={"x": box["width"] * share, "y": 8})
        assert words in (lanes.get_attribute("title") or "")
    middle = (TIMES_S[24] - TIMES_S[0]) / (TIMES_S[-1] - TIMES_S[0] + float(np.median(np.diff(TIMES_S))))
    lanes.hover(position={"x": box["width"] * middle, "y": 8})
    assert (lanes.get_attribute("title") or "").endswith("dissolve")
    assert "a low wedge is a dissolve" in page.locator("#film").inner_text()


def test_a_click_in_a_table_picks_the_track_and_shows_its_frame(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.locator("#tracks td button[data-track='2']").click()
    page.wait_for_function("document.querySelector('.clock').innerText.includes('frame 10')")
    assert page.locator("#pick").input_value() == "2"
    page.evaluate("scrollTo(0, 0)")
    assert wait_for_frame(page, 10) == (10, 10)


def test_a_click_on_a_box_picks_its_track_and_curves_appear(open_page: Callable[..., Page]) -> None:
    page = open_page()
    screen = page.locator(".screen").bounding_box()
    assert screen is not None
    page.mouse.click(screen["x"] + 75 / 160 * screen["width"], screen["y"] + 50 / 90 * screen["height"])
    assert page.locator(".picked").inner_text().startswith("person 1")
    assert "knees, left and right" in page.locator(".lane-names").inner_text()
    page.keyboard.press("f")
    assert "scale(" in (page.locator(".view").get_attribute("style") or "")
    page.keyboard.press("Escape")
    assert "scale(" not in (page.locator(".view").get_attribute("style") or "")


def test_a_chart_that_does_not_hold_the_moment_has_no_playhead(open_page: Callable[..., Page]) -> None:
    page = open_page("#t=0.5")
    head = page.locator(".playhead").first
    assert head.evaluate("head => getComputedStyle(head).visibility + head.style.display") == "visible"
    head.evaluate("head => (head.parentNode.dataset.start = '1')")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.querySelector('.playhead').style.display === 'none'")


def test_buttons_that_cannot_be_pressed_say_why(open_page: Callable[..., Page]) -> None:
    page = open_page()
    follow = page.get_by_role("button", name="Follow")
    assert follow.is_disabled() and "Pick a track first" in str(follow.get_attribute("title"))
    assert "this film has none" in str(page.get_by_role("button", name="Field").get_attribute("title"))
    page.locator(".lane-names button").first.click()
    assert follow.is_enabled() and "Enlarge" in str(follow.get_attribute("title"))


def test_the_timeline_says_how_many_tracks_have_no_row(open_page: Callable[..., Page]) -> None:
    assert open_page().locator(".left-out").text_content() == ""
    few = "document.addEventListener('DOMContentLoaded', () => (document.querySelector('.timeline').dataset.rows = 1))"
    page = open_page(script=few)
    assert page.locator(".lane-names button").count() == 1
    assert page.locator(".left-out").inner_text() == "1 shorter track has no row: pick one to see it."


def test_layers_are_switched_on_and_off(open_page: Callable[..., Page]) -> None:
    page = open_page("#t=0.6")
    counts = [drawn_pixels(page)]
    for name in ("Trails", "Skeletons", "Names", "Boxes"):
        page.get_by_role("button", name=name).click()
        counts.append(drawn_pixels(page))
    assert counts == sorted(counts, reverse=True) and len(set(counts)) == 5 and counts[-1] == 0
    page.keyboard.press("7")
    assert drawn_pixels(page) > 0, "arrows of motion"
    assert page.get_by_role("button", name="Field").is_disabled()


def test_a_second_picture_keeps_its_distance(open_page: Callable[..., Page]) -> None:
    page = open_page("#t=0.6&track=1")
    first = said_frame(page)
    page.keyboard.press("c")
    page.wait_for_selector(".compare canvas")
    for _ in range(10):
        page.get_by_label("Second picture one frame on").click()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        f"document.querySelector('.compare output').innerText.includes('frame {first + 11} ')"
        f" && document.querySelector('.clock').innerText.includes('frame {first + 1}')"
    )
    assert "later" in page.locator(".compare output").inner_text()
    assert page.locator(".compare video").evaluate("video => video.currentTime") == pytest.approx(
        TIMES_S[first + 11] - TIMES_S[0] + GAPS_S[first + 11] / 2, abs=1e-3
    )
    page.get_by_label("Track of the second picture").select_option("2")
    assert "frame 10 " in page.locator(".compare output").inner_text(), "where the car is seen first"
    page.get_by_label("Close the second picture").click()
    assert page.locator("video").count() == 1


def test_the_timeline_zooms_around_the_moment(open_page: Callable[..., Page]) -> None:
    page = open_page("#t=1.0")
    before = page.locator(".lanes").screenshot()
    page.keyboard.press("+")
    page.wait_for_timeout(150)
    closer = page.locator(".lanes").screenshot()
    page.keyboard.press("0")
    page.wait_for_timeout(150)
    assert closer != before == page.locator(".lanes").screenshot()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(viewport=PHONE, color_scheme=scheme, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.locator(".ruler").bounding_box()["width"] > 150


def test_what_one_operates_has_a_name(open_page: Callable[..., Page]) -> None:
    page = open_page("#track=1")
    unnamed = page.evaluate("""() => [...document.querySelectorAll("button, select, a[href], [role=slider]")]
        .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length))
        .map((one) => one.outerHTML.slice(0, 80))""")
    assert unnamed == []


def test_ten_minutes_of_four_people_are_packed_into_a_megabyte_and_open(
    open_page: Callable[..., Page],
    make_dossier: Callable[..., ReportData],
    folder: Path,
    record_property: Callable[[str, object], None],
) -> None:
    packed = pack_long_film(make_dossier([(0, 1, 0, 0.9, (10.0, 10, 19, 40))]))
    script = f"window.{VARIABLE}={json.dumps(packed)};"
    assert len(script) < 1_000_000
    (folder / "film.js").write_text(script, encoding="utf-8")
    page = open_page("#track=2")
    used_s = watch_processor_time(page)
    page.reload()
    page.wait_for_selector("#player[data-ready]")
    record_property("processor time of opening, s", used_s())
    assert page.locator(".picked").inner_text()


def test_sizes_and_recipes_come_from_the_script_beside_the_index(
    browser: Browser, make_dossier: Callable[..., ReportData], walk: list, tmp_path: Path
) -> None:
    data = make_dossier(walk, file="day/clip.mp4")
    (tmp_path / "day__clip").mkdir()
    (tmp_path / "day__clip" / "index.html").write_text(render_page(data), encoding="utf-8")
    method = StageFacts(
        "track", "c0de", {"max_gap_s": 0.4}, {}, {"numpy": "2"}, {}, 1, ("data/frames",), ("data/tracks",)
    )
    kinds = [
        ArtifactFacts(
            "data/frames", ".parquet", "decode", False, {"data/frames/day/clip.parquet": ("aa", 2_500_000)}, 1
        ),
        ArtifactFacts("data/tracks", ".parquet", "track", True, {"data/tracks/day/clip.parquet": ("bb", 17_680)}, 1),
    ]
    facts = DatasetFacts(DatasetNotes(), tuple(kinds), (replace(method, name="decode", reads=()), method), {}, 1)
    page = browser.new_page()
    page.goto((tmp_path / "day__clip" / "index.html").as_uri() + "#data")
    page.locator(".recipes-missing").filter(has_text="recipes.js").wait_for()
    (tmp_path / "recipes.js").write_text(render_recipes_script(facts), encoding="utf-8")
    page.reload()
    tracks = page.locator("[data-path='data/tracks/day/clip.parquet']")
    tracks.locator(".stored").filter(has_text="17.7 kB").wait_for()
    frames = page.locator("[data-path='data/frames/day/clip.parquet'] .stored").inner_text()
    assert frames.startswith("not kept (2.5 MB)")
    tracks.locator("summary").first.click()
    tracks.locator(".recipe summary").click()
    recipe = json.loads(tracks.locator(".recipe pre").inner_text())
    assert recipe["inputs"] == {"data/frames": "aa"} and recipe["params"] == {"max_gap_s": 0.4}
    assert (recipe["md5"], recipe["bytes"], recipe["stage"]) == ("bb", 17_680, "track")
    page.close()


@pytest.mark.parametrize("by_row", [False, True])
def test_series_come_back_as_they_were(browser: Browser, by_row: bool) -> None:
    rng = np.random.default_rng(1)
    tables = [
        rng.integers(-5, 5, (30, 4)),
        rng.integers(-(10**6), 10**6, (9, 3)),
        np.array([[0], [2**30 - 1], [0]]),
        np.zeros((0, 2), int),
        np.arange(7),
    ]
    page = browser.new_page()
    page.add_script_tag(content=f"const semflow = window.semflow = {{}};{read_asset('film/packed_series.js')}")
    for table in tables:
        found = page.evaluate(
            "async (text) => [...await semflow.unpack(JSON.parse(text))]", json.dumps(pack_series(table, by_row))
        )
        assert found == table.reshape(-1).tolist()
    page.close()


def test_a_page_whose_film_is_missing_says_so(browser: Browser, folder: Path) -> None:
    (folder / "film.mp4").unlink()
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector("#player .nothing")
    assert "film.mp4 is missing" in page.locator("#player .nothing").inner_text()
    page.close()


def test_a_page_without_its_data_says_so(
    browser: Browser, make_dossier: Callable[..., ReportData], walk: list, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text(render_page(make_dossier(walk)), encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_selector("#player .nothing")
    assert "film.js is missing" in page.locator("#player .nothing").inner_text()
    assert page.locator("video").get_attribute("controls") is not None, "the film itself can still be played"
    page.close()
