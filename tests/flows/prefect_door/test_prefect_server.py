"""Finding the server that is named, and the reason why our own does not start."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flows.prefect_door.prefect_server import EphemeralServer, find_reason, is_reachable, may_be_configured


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder and a home in which nothing names a server."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any_setting_no_server_is_named(alone: Path) -> None:
    (alone / "profiles.toml").write_text('active = "ephemeral"\n[profiles.ephemeral]\n')
    (alone / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert not may_be_configured()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("profiles.toml", '[profiles.local]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"\n'),
        ("prefect.toml", '[api]\nurl = "http://server/api"\n'),
        ("prefect.toml", 'api.url = "http://server/api"\n'),
        ("pyproject.toml", '[tool.prefect.api]\nurl = "http://server/api"\n'),
        (".env", "PREFECT_API_URL=http://server/api\n"),
    ],
)
def test_every_place_in_which_prefect_looks_for_a_server_is_looked_at(alone: Path, name: str, text: str) -> None:
    (alone / name).write_text(text)
    assert may_be_configured()


def test_a_server_in_the_environment_is_seen(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://server/api")
    assert may_be_configured()


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("alembic.util.exc.CommandError: Can't locate revision identified by 'abc'\n", "made by a newer Prefect"),
        ("sqlite3.OperationalError: unable to open database file\n", "must be a folder that can be written to"),
        ("PermissionError: [Errno 13] Permission denied: '/x'\n", "must be a folder that can be written to"),
        ("OSError: [Errno 28] No space left on device\n", "is full"),
        ("sqlite3.DatabaseError: file is not a database\n", "is damaged"),
        ('Traceback:\n  File "x"\nModuleNotFoundError: No module named y\nExiting.\n', "No module named y"),
        ("", "it logged nothing"),
    ],
)
def test_the_reason_of_a_server_that_does_not_start_is_found_in_its_log(tmp_path: Path, log: str, words: str) -> None:
    path = tmp_path / "log"
    path.write_text(log)
    reason = find_reason(path)
    assert words in reason
    assert "\n" not in reason


def test_nobody_answers_at_a_port_where_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert not is_reachable(f"http://127.0.0.1:{probe.getsockname()[1]}/api", seconds=1)


def test_a_server_that_answers_is_there() -> None:
    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/health" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert is_reachable(f"http://127.0.0.1:{server.server_port}/api/", seconds=5)


def test_the_socket_of_our_own_server_is_reached_from_this_machine_alone() -> None:
    with EphemeralServer.bind_free_port() as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.getsockname()[1] > 0
