"""`semflow view`: serve the reports on this machine, and open them in a browser."""

from __future__ import annotations

import errno
import os
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, print_json
from flows.engine.project import find_root
from flows.maintenance.status import find_lock_holder
from flows.viewer.live_status import INDEX, REPORTS
from flows.viewer.report_server import LOOPBACK, ReportServer
from tasks.errors import SemflowError

PORT = 8420
MAX_PORT = 65535


@click.command(cls=ValuesCommand)
@click.argument("video", required=False, metavar="[VIDEO]")
@click.option("--port", type=click.IntRange(0, MAX_PORT), metavar="PORT", help=f"default {PORT}; 0 takes any free one")
@click.option("--no-browser", is_flag=True, help="print the address and open nothing")
@JSON_OPTION
def command(*, video: str | None, port: int | None, no_browser: bool, as_json: bool) -> int:
    """Open the pages in a browser: the index, or the page of VIDEO; ends with Ctrl-C.

    Serves the folder reports on this machine alone. While a run goes on, pages say what it has finished, and link to
    each page that is ready.
    """
    root = find_root(Path.cwd())
    require_pages(root)
    link = "" if video is None else find_page_link(root, video)
    with open_server(root, port) as server:
        address = server.url + link
        if as_json:
            print_json({"url": address})
        else:
            sys.stdout.write(f"{address}\nends with Ctrl-C; on this machine alone\n")
        sys.stdout.flush()
        if not no_browser:
            start_browser(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def require_pages(root: Path) -> None:
    """Raise SemflowError where there is neither a page nor a run that will make one."""
    if not any((root / REPORTS).glob(f"*/{INDEX}")) and find_lock_holder(root) is None:
        raise SemflowError(
            f"{root / REPORTS} must hold the page of at least one film, got none, and no run is under way; start "
            "`semflow run`, and `semflow view` in another terminal while it goes on"
        )


def find_page_link(root: Path, typed: str) -> str:
    """Path of a video's page below reports; SemflowError where there is no such video or it has no page yet."""
    from flows.engine.project import Project
    from flows.engine.video_names import resolve_video_name

    project = Project.open(root, max_answer_age_s=None)
    try:
        known = {video.relative: video.name for video in project.videos.values()}
        stem = project.videos[resolve_video_name(known, typed)].flat_stem
    finally:
        project.close()
    if not (root / REPORTS / stem / INDEX).is_file():
        raise SemflowError(f"{typed} must have a page, got none yet; see `semflow why {typed}`, or run `semflow run`")
    return f"{quote(stem)}/"


def open_server(root: Path, port: int | None) -> ReportServer:
    """A server at `port`, or at PORT or any free one; SemflowError where the named port cannot be had."""
    try:
        return ReportServer(root, PORT if port is None else port)
    except OSError as error:
        if port is None and error.errno == errno.EADDRINUSE:
            sys.stderr.write(f"port {PORT} is in use, perhaps by another `semflow view`; another one is taken\n")
            return ReportServer(root, 0)
        what = "in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise SemflowError(
            f"--port must be a free port of {LOOPBACK}, got {port or PORT}: {what}; name another one, or 0 for any"
        ) from None


def start_browser(address: str, open_address: Callable[[str], object] = webbrowser.open) -> None:
    """Open the address in a browser with windows, in a thread; one that would take over this terminal is left alone."""
    if sys.platform.startswith("linux") and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))):
        return
    threading.Thread(target=open_address, args=(address,), daemon=True).start()
