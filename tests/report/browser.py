"""Headless Chromium for tests of pages: found on the machine, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
VARIABLE = "SEMFLOW_CHROMIUM"
# No sandbox: it needs rights that containers do not give; pages under test are our own.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required")


def find_chromium() -> str | None:
    """Path of the Chromium or Chrome named by SEMFLOW_CHROMIUM, or of the first on the PATH; None without any."""
    named = os.environ.get(VARIABLE)
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_browser() -> Generator[Browser]:
    """A headless browser; skips the test where there is no Playwright, no Chromium, or it plays no H.264."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    path = find_chromium()
    if path is None:
        pytest.skip(f"needs Chromium on the PATH (Debian: apt install chromium) or its path in {VARIABLE}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        page = browser.new_page()
        plays = page.evaluate("document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.42E01E\"')")
        page.close()
        if not plays:
            browser.close()
            pytest.skip(f"needs a Chromium that plays H.264, got {path}")
        yield browser
        browser.close()


def watch_processor_time(page: Page) -> Callable[[], float]:
    """A function that returns the seconds of processor time which the page has used since this call."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")

    def read_seconds() -> float:
        metrics = {one["name"]: one["value"] for one in client.send("Performance.getMetrics")["metrics"]}
        return metrics["TaskDuration"]

    return read_seconds
