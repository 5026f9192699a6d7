"""Served pages in headless Chromium: what a run finishes appears, and a film can be sought."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows.engine.outcome import Item, Outcome
from flows.engine.project_lock import LOCK_FILE, hold_lock_file
from flows.engine.state import STATE_FOLDER
from flows.engine.status_file import StatusFile
from flows.viewer.report_server import ReportServer
from tests.decode.film import film
from tests.report.browser import open_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_MS = 60_000
EVERY = [Item(video, stage) for video in ("dance", "walk") for stage in ("track", "report")]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture
def server(tmp_path: Path) -> Generator[ReportServer]:
    (tmp_path / "reports").mkdir()
    with ReportServer(tmp_path, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def page(browser: Browser, server: ReportServer) -> Generator[Page]:
    """A tab; fails the test on errors of the page and on requests that leave the server."""
    complaints: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(server.url) else None)
    yield page
    page.close()
    assert [said for said in complaints if not said.startswith("data:")] == []


def finish(root: Path, status: StatusFile, video: str) -> None:
    """The run has finished a film: its page is there, and the status says so."""
    folder = root / "reports" / video
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(f"<!doctype html><title>{video}</title><body><h1>{video}</h1></body>")
    status.on_ended(Outcome(video, "track", "computed", 1.0), final=True)
    status.on_ended(Outcome(video, "report", "computed", 2.0, page=f"reports/{video}/index.html"), final=True)
    status._write(now=True)


def test_films_appear_as_they_are_done_and_the_index_when_the_run_has_ended(page: Page, server: ReportServer) -> None:
    root = server.root
    with hold_lock_file(root / STATE_FOLDER / LOCK_FILE):
        status = StatusFile(root)
        status.on_planned(EVERY, {}, 1)
        page.goto(server.url)
        page.get_by_text("None yet").wait_for()
        finish(root, status, "dance")
        page.locator("#live-pages a", has_text="dance").wait_for()
        assert "2 of 4 items done" in page.locator("#live-lead").inner_text()
        assert page.get_by_text("report dance computed in 2.0 s").is_visible()
        finish(root, status, "walk")
        page.locator("#live-pages a", has_text="walk").wait_for()
        assert page.locator("#live-pages a").all_inner_texts() == ["walk", "dance"], "the newest comes first"
    (root / "reports/index.html").write_text("<!doctype html><title>all</title><body><h1>All videos</h1></body>")
    page.get_by_role("heading", name="All videos").wait_for()


def test_a_page_says_that_it_was_made_again_and_offers_to_show_it(page: Page, server: ReportServer) -> None:
    root = server.root
    finish(root, StatusFile(root), "dance")
    page.goto(f"{server.url}dance/")
    page.locator("#semflow-live").wait_for(state="attached")
    page.wait_for_timeout(200)
    assert not page.locator("#semflow-live").is_visible(), "nothing is under way"
    page.wait_for_function("() => document.querySelector('#semflow-live summary').textContent")
    path = root / "reports/dance/index.html"
    path.write_text(path.read_text().replace("<h1>dance", "<h1>dance again"))
    page.get_by_role("button", name="show it").click()
    page.get_by_role("heading", name="dance again").wait_for()


def test_a_film_can_be_sought(page: Page, server: ReportServer) -> None:
    folder = server.root / "reports/dance"
    folder.mkdir()
    film(folder / "film.mp4", count=250)
    (folder / "index.html").write_text("<!doctype html><body><video src=film.mp4 preload=metadata></video></body>")
    page.goto(f"{server.url}dance/")
    page.wait_for_function("() => document.querySelector('video').readyState >= 1")
    sought = """() => new Promise((done) => { const film = document.querySelector("video");
        film.onseeked = () => done(film.currentTime); film.currentTime = film.duration - 1; })"""
    assert page.evaluate(sought) == pytest.approx(
        page.evaluate("document.querySelector('video').duration") - 1, abs=0.1
    )
