"""`semflow view`: the reports on this machine alone, with byte ranges, and nothing else of the disk."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.engine.outcome import Item, Outcome
from flows.engine.project_lock import LOCK_FILE, hold_lock_file
from flows.engine.state import STATE_FOLDER
from flows.engine.status_file import StatusFile
from flows.viewer.byte_range import ByteRange, UnsatisfiableRangeError, parse_range
from flows.viewer.live_status import collect_live_status
from flows.viewer.report_server import LOOPBACK, ReportServer, is_own_host, split_path
from flows.viewer.view_command import find_page_link, open_server, start_browser
from tasks.errors import SemflowError

FILM = bytes(range(256)) * 40
Ask = Callable[..., http.client.HTTPResponse]


@pytest.fixture
def root(tmp_path: Path, checkout: Path) -> Path:
    """A project with one page and its film, and a file beside the reports that is nobody's business."""
    (tmp_path / "params.yaml").write_text((checkout / "params.yaml").read_text())
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/walk one.mp4").write_text("film")
    folder = tmp_path / "reports/walk one"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<html><body>walk</body></html>")
    (folder / "film.mp4").write_bytes(FILM)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "reports/.hidden").write_text("secret")
    return tmp_path


@pytest.fixture
def server(root: Path) -> Generator[ReportServer]:
    with ReportServer(root, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(server: ReportServer) -> Generator[Ask]:
    """Send one request with these headers; paths go out as they are."""
    connection = http.client.HTTPConnection(LOOPBACK, server.server_port, timeout=60)

    def ask(path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        connection.request(method, path, headers=headers)
        return connection.getresponse()

    yield ask
    connection.close()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-9", ByteRange(0, 9)),
        ("bytes=90-", ByteRange(90, 99)),
        ("bytes=-10", ByteRange(90, 99)),
        ("bytes=-1000", ByteRange(0, 99)),
        ("bytes=50-1000", ByteRange(50, 99)),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-9", None),
    ],
)
def test_a_range_is_read_as_the_standard_says(header: str | None, expected: ByteRange | None) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=500-600", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, 100)


def test_a_film_is_sent_in_parts_so_that_browsers_can_seek(ask: Ask) -> None:
    answer = ask("/walk%20one/film.mp4", Range="bytes=1000-1999")
    assert (answer.status, answer.headers["Content-Range"]) == (206, f"bytes 1000-1999/{len(FILM)}")
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.read() == FILM[1000:2000]
    whole = ask("/walk%20one/film.mp4")
    assert (whole.status, whole.headers["Accept-Ranges"]) == (200, "bytes")
    assert whole.read() == FILM
    head = ask("/walk%20one/film.mp4", "HEAD")
    assert (head.headers["Content-Length"], head.read()) == (str(len(FILM)), b"")
    behind = ask("/walk%20one/film.mp4", Range=f"bytes={len(FILM)}-")
    assert (behind.status, behind.headers["Content-Range"], behind.read()) == (416, f"bytes */{len(FILM)}", b"")


def test_a_page_gets_one_script_and_stays_as_it_is_on_disk(ask: Ask, root: Path) -> None:
    page = ask("/walk%20one/").read().decode()
    assert page.replace('<script src="/.semflow/live.js" defer></script>\n', "") == (
        (root / "reports/walk one/index.html").read_text()
    )
    assert page.count("<script") == 1
    assert ask("/.semflow/live.js").read().startswith(b"//")


def test_a_folder_is_redirected_to_its_page(ask: Ask) -> None:
    answer = ask("/walk%20one")
    assert (answer.status, answer.headers["Location"]) == (302, "/walk%20one/")
    answer.read()


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/walk%20one/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/..\\secret.txt",
        "/.hidden",
        "/%2ehidden",
        "/.semflow/../../secret.txt",
        "/.semflow/state.sqlite",
        "//etc/passwd",
        "/walk%20one/film.mp4%00.html",
        "/nothing.html",
    ],
)
def test_nothing_but_the_reports_is_served(ask: Ask, path: str) -> None:
    answer = ask(path)
    assert answer.status == 404
    assert b"secret" not in answer.read()


def test_paths_are_split_and_decoded() -> None:
    assert split_path("/walk%20one//film.mp4") == ["walk one", "film.mp4"]
    assert split_path("/") == []
    assert split_path("/a/%2e%2e/b") is None


@pytest.mark.parametrize("host", ["evil.example:8420", "evil.example", "", "127.0.0.1.evil.example", "["])
def test_pages_of_other_sites_cannot_read_it_under_a_name_of_theirs(ask: Ask, host: str) -> None:
    assert not is_own_host(host)
    assert ask("/walk%20one/", Host=host).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8420", "[::1]:80", "localhost"])
def test_this_machine_is_named_in_several_ways(host: str) -> None:
    assert is_own_host(host)


def test_it_listens_on_the_loopback_interface_alone(server: ReportServer) -> None:
    assert server.socket.getsockname()[0] == LOOPBACK
    assert server.url == f"http://127.0.0.1:{server.server_port}/"


def test_without_an_index_the_state_of_the_run_stands_in(ask: Ask, root: Path) -> None:
    assert b"Pages that are ready" in ask("/").read()
    (root / "reports/index.html").write_text("<body>all</body>")
    assert ask("/").read().startswith(b"<body>all")


def test_the_state_names_what_a_run_has_finished_and_the_pages_that_are_ready(ask: Ask, root: Path) -> None:
    with hold_lock_file(root / STATE_FOLDER / LOCK_FILE):
        status = StatusFile(root)
        status.on_planned([Item("walk one", stage) for stage in ("track", "report")], {}, 1)
        status.on_ended(Outcome("walk one", "track", "failed", 1.0, error="no room"), final=True)
        page = "reports/walk one/index.html"
        status.on_ended(Outcome("walk one", "report", "computed", 2.0, page=page), final=True)
        status._write(now=True)
        found = json.loads(ask("/.semflow/status.json?page=walk%20one/index.html&pages=1").read())
    assert found["running"] and found["headline"] == "A run is under way: 2 of 2 items done"
    assert found["recent"] == [
        {"text": "report walk one computed in 2.0 s", "href": "/walk%20one/index.html", "bad": False},
        {"text": "track walk one failed in 1.0 s: no room", "href": "", "bad": True},
    ]
    assert found["pages"] == [{"name": "walk one", "href": "/walk%20one/"}]
    assert found["page_at"] == (root / page).stat().st_mtime
    after = collect_live_status(root)
    assert not after["running"] and after["headline"] == "The last run was cut off: 1 failed, 1 computed"


def test_a_named_port_that_is_taken_is_an_error_and_the_usual_one_is_replaced(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(SemflowError, match=f"--port must be a free port of 127.0.0.1, got {taken}: in use; name"):
            open_server(root, taken)
        monkeypatch.setattr("flows.viewer.view_command.PORT", taken)
        with open_server(root, None) as server:
            assert server.server_port != taken
    assert f"port {taken} is in use" in capsys.readouterr().err


def test_without_any_page_it_says_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "reports/walk one/index.html").unlink()
    monkeypatch.chdir(root)
    assert main(["view", "--no-browser"]) == 2
    assert "must hold the page of at least one film, got none" in capsys.readouterr().err


def test_a_video_is_named_as_in_other_commands(root: Path) -> None:
    assert find_page_link(root, "walk one.mp4") == "walk%20one/"
    (root / "reports/walk one/index.html").unlink()
    with pytest.raises(SemflowError, match="must have a page, got none yet"):
        find_page_link(root, "walk one")


def test_a_browser_is_opened_only_where_there_are_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = threading.Event()
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    start_browser("http://127.0.0.1:1/", lambda _: opened.set())
    assert threading.active_count() == 1 or not opened.is_set()
    monkeypatch.setitem(os.environ, "DISPLAY", ":0")
    start_browser("http://127.0.0.1:1/", lambda _: opened.set())
    assert opened.wait(60)
