"""The page over all videos in headless Chromium: it finds, filters, sorts, and draws no more than what is in view."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from flows.overview.film_facts import CELLS_ACROSS, CELLS_DOWN
from flows.overview.index_page import IndexItem, render_index
from tests.overview.test_index_page import ACCOUNT
from tests.report.browser import open_browser, watch_processor_time

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CLASSES, LABELS = ("person", "car", "dog"), ("walk", "wave")
NOISE = np.random.default_rng(0).integers(0, 255, (99, 176, 3), np.uint8)
THUMBNAIL = cv2.imencode(".jpg", cv2.GaussianBlur(NOISE, (0, 0), 0.9), [cv2.IMWRITE_JPEG_QUALITY, 78])[1].tobytes()


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with open_browser() as browser:
        yield browser


def make_item(number: int) -> IndexItem:
    """A video of `number` seconds with `number` % 4 people, one class, one action; each tenth is damaged."""
    account = replace(ACCOUNT, duration_s=float(number), damaged=number % 10 == 0, lost=0)
    presence = tuple(int(cell == 17) for cell in range(CELLS_ACROSS * CELLS_DOWN))
    return IndexItem(
        f"take_{number:04d}",
        link=f"take_{number:04d}/index.html",
        thumbnail=THUMBNAIL,
        account=account,
        detections=number,
        tracks={CLASSES[number % 3]: number % 5 + 1},
        most_people=number % 4,
        presence=presence,
        actions={LABELS[number % 2]: 2.0},
    )


@pytest.fixture
def open_index(browser: Browser, tmp_path: Path) -> Generator[Callable[..., Page]]:
    complaints: list[str] = []
    pages = []

    def note_stranger(url: str) -> None:
        if not url.startswith(("file:", "data:")):
            complaints.append(f"asked for {url}")

    def open_index(items: list[IndexItem], **options: object) -> Page:
        (tmp_path / "index.html").write_text(render_index(items), encoding="utf-8")
        page = browser.new_page(**options)
        pages.append(page)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: note_stranger(asked.url))
        page.goto((tmp_path / "index.html").as_uri())
        page.wait_for_selector("[data-ready]", state="attached")
        return page

    yield open_index
    for page in pages:
        page.close()
    assert complaints == []


def shown(page: Page) -> list[str]:
    """Names in view, from the top."""
    rows = page.locator(".film").evaluate_all(
        "rows => rows.map((row) => [row.offsetTop, row.querySelector('h2').textContent])"
    )
    return [name for _, name in sorted(rows)]


def test_of_a_thousand_videos_only_those_in_view_are_drawn(
    open_index: Callable[..., Page], record_property: Callable[[str, object], None]
) -> None:
    assert 4_000 < len(THUMBNAIL) < 9_000, "as large as those of photographs"
    page = open_index([make_item(i) for i in range(1000)])
    used_s = watch_processor_time(page)
    page.reload()
    page.wait_for_selector("[data-ready]", state="attached")
    record_property("processor time of opening, s", used_s())
    assert "1\u202f000 videos" in page.locator(".found").inner_text()
    assert len(shown(page)) < 30
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function("document.body.innerText.includes('take_0999')")
    assert shown(page)[-1] == "take_0999" and len(shown(page)) < 30


def test_videos_are_found_filtered_and_sorted(open_index: Callable[..., Page]) -> None:
    page = open_index([make_item(i) for i in range(40)] + [IndexItem("broken", "failed", "decode", "no video")])
    assert shown(page)[0] == "broken", "failures first"
    for field, value, wanted in (
        ("class", "dog", [i for i in range(40) if i % 3 == 2]),
        ("action", "wave", [i for i in range(40) if i % 2 == 1]),
        ("people", "3-10", [i for i in range(40) if i % 4 == 3]),
        ("seconds", "0-10", list(range(10))),
        ("quality", "hurt", [0, 10, 20, 30]),
    ):
        page.locator(f"[name={field}]").select_option(value)
        assert shown(page) == [f"take_{i:04d}" for i in wanted], field
        page.locator(f"[name={field}]").select_option("")
    page.locator("[name=words]").fill("take_001 person")
    assert shown(page) == [f"take_{i:04d}" for i in (12, 15, 18)]
    page.locator("[name=sort]").select_option("seconds")
    assert shown(page) == [f"take_{i:04d}" for i in (18, 15, 12)]
    assert "3 of 41 videos, 45 s" in page.locator(".found").inner_text()
    page.locator("[name=words]").fill("nowhere")
    assert "No video is like this." in page.locator(".films").inner_text()


def test_plots_are_of_the_videos_that_are_found(open_index: Callable[..., Page]) -> None:
    page = open_index([make_item(i) for i in range(40)])
    page.locator("[name=class]").select_option("car")
    plots = page.locator(".plots").inner_text()
    assert "person" not in plots and "mostly top left" in plots
    assert page.locator(".map").get_attribute("aria-label") == "Where people are in the picture: mostly top left"


def test_what_a_list_leaves_out_is_counted(open_index: Callable[..., Page]) -> None:
    classes = {"person": 12, "car": 5, "bus": 3, "dog": 2, "cat": 1, "cow": 1, "kite": 1}
    labels = {f"label {i}": 9.0 - i for i in range(8)}
    page = open_index([replace(make_item(1), tracks=classes, actions=labels)])
    film, plots = page.locator(".film").inner_text(), page.locator(".plots").inner_text()
    assert "25 tracks: 12 person, 5 car, 3 bus, 2 dog and 3 more" in film and "and 5 more" in film
    assert "and 1 more classes: 1 track" not in plots and "and 1 more class: 1 track" in plots
    assert "and 2 more actions: 5.0 s" in plots
    assert "named for moments: label 0 9.0 s" in film and "several people at once add up" in plots


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_index_fits_a_phone(open_index: Callable[..., Page], scheme: str) -> None:
    page = open_index([make_item(i) for i in range(9)], viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    heights = page.locator(".film").evaluate_all("rows => rows.map((row) => [row.scrollHeight, row.clientHeight])")
    assert all(inner <= outer for inner, outer in heights), "nothing is cut off"
