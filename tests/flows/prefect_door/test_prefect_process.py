"""The process beside a run, with the real temporary server: it never outlives the run, and every trouble is a line."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from flows.prefect_door.prefect_database import is_prepared
from flows.prefect_door.prefect_process import DATABASE_NOTE
from flows.prefect_door.prefect_server import RECORDER_BATCH, EphemeralServer

pytestmark = pytest.mark.slow
MOMENTS = 10
"""Moments of a start at which a run is killed; a few more come after the server is up."""
LANES = 2
"""Runs that are started and killed side by side: most of the time each only waits for its moment."""
END_S = 30
"""Within this the process beside a killed run must be gone: that takes 6 s at most, and the machine is busy."""


class Drive:
    """A scripted run (drive.py) under way."""

    def __init__(self, root: Path, environment: dict[str, str], work: str, close_s: float) -> None:
        self.root = root
        command = [sys.executable, "-m", "tests.flows.prefect_door.drive", str(root), environment["PREFECT_HOME"]]
        self.process = subprocess.Popen(
            [*command, work, str(close_s)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.opened = self._line()
        self.beside = int(self.opened.split()[2])

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def wait_working(self) -> None:
        while (line := self._line()) != "working\n":
            assert line, "the run ended before its work"

    def finish(self) -> list[str]:
        """Let it end; the lines that it printed."""
        out, _ = self.process.communicate("\n", timeout=240)
        assert self.process.returncode == 0, out
        return out.splitlines()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def log(self) -> str:
        return (self.root / ".semflow/logs/prefect-server.log").read_text()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a database: building one takes a while."""
    home = tmp_path_factory.mktemp("home")
    drive = Drive(tmp_path_factory.mktemp("project"), make_environment(home), "until-ready", 60)
    drive.wait_working()
    lines = drive.finish()
    assert lines[-1].startswith("closed") and len(lines) == 1, lines
    return home


@pytest.fixture
def start(database: Path, tmp_path: Path) -> Iterator[Callable[..., Drive]]:
    """Start a scripted run with a copy of the database as its home."""
    home = tmp_path / "home"
    shutil.copytree(database, home)
    drives: list[Drive] = []

    def go(work: str = "until-ready", close_s: float = 60, again: Drive | None = None, **environment: str) -> Drive:
        root = again.root if again else Path(tempfile.mkdtemp(prefix="project ", dir=tmp_path))
        drives.append(Drive(root, make_environment(home) | environment, work, close_s))
        return drives[-1]

    yield go
    for drive in drives:
        drive.end()


def make_environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    kept.pop("PREFECT_API_URL", None)
    return kept | {"PREFECT_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[3])}


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def wait_gone(pid: int) -> None:
    until = time.monotonic() + END_S
    while alive(pid):
        assert time.monotonic() < until, "a server was left behind"
        time.sleep(0.1)


def states(home: str, table: str) -> list[str]:
    with closing(sqlite3.connect(Path(home) / "prefect.db")) as connection:
        return [row[0] for row in connection.execute(f"select state_name from {table} order by created")]


def count_rows(home: str, table: str) -> int:
    with closing(sqlite3.connect(Path(home) / "prefect.db")) as connection:
        return int(connection.execute(f"select count(*) from {table}").fetchone()[0])


def test_a_run_is_recorded_by_a_server_of_its_own_that_ends_with_it(
    start: Callable[..., Drive], tmp_path: Path
) -> None:
    drive = start()
    drive.wait_working()
    lines = drive.finish()
    assert lines[-1].startswith("closed") and len(lines) == 1, lines
    assert not alive(drive.beside)
    assert states(str(tmp_path / "home"), "flow_run")[-1] == "Completed"
    assert set(states(str(tmp_path / "home"), "task_run")) == {"Completed"}
    assert count_rows(str(tmp_path / "home"), "events") == 0, "the feed of events would cost every item 1.2 ms"


def test_a_database_that_is_prepared_is_taken_as_it_is(start: Callable[..., Drive], tmp_path: Path) -> None:
    first = start()
    first.wait_working()
    first.finish()
    assert is_prepared(tmp_path / "home" / "prefect.db", first.root / ".semflow" / DATABASE_NOTE)
    before = len(states(str(tmp_path / "home"), "task_run"))
    second = start(again=first)
    second.wait_working()
    lines = second.finish()
    assert lines[-1].startswith("closed") and len(lines) == 1, lines
    found = states(str(tmp_path / "home"), "task_run")
    assert len(found) > before and set(found) == {"Completed"}


@pytest.mark.parametrize(("planned", "batch"), [(0, 100), (3, 3), (1000, 100)])
def test_a_batch_of_states_is_no_larger_than_the_run(monkeypatch: pytest.MonkeyPatch, planned: int, batch: int) -> None:
    import uvicorn
    from prefect.settings import get_current_settings, temporary_settings

    seen: list[int] = []

    def serve(server: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
        seen.append(get_current_settings().server.services.task_run_recorder.batch_size)

    monkeypatch.setattr(uvicorn.Server, "run", serve)
    with EphemeralServer.bind_free_port() as listener, temporary_settings({RECORDER_BATCH: 100}):
        EphemeralServer(listener).run(lambda: planned)
    assert seen == [batch]


def test_a_run_that_is_killed_leaves_no_server_and_is_recorded_as_crashed(
    start: Callable[..., Drive], tmp_path: Path
) -> None:
    drive = start()
    drive.wait_working()
    time.sleep(2)  # so that the work in hand is known to Prefect
    drive.process.kill()
    wait_gone(drive.beside)
    assert states(str(tmp_path / "home"), "flow_run")[-1] == "Crashed"
    assert states(str(tmp_path / "home"), "task_run").count("Crashed") == 1


def test_runs_killed_at_any_moment_leave_no_server(start: Callable[..., Drive], database: Path, tmp_path: Path) -> None:
    drive = start()
    began = time.monotonic()
    drive.wait_working()
    start_s = time.monotonic() - began
    drive.process.kill()
    wait_gone(drive.beside)

    def kill_runs(lane: int) -> None:
        home = shutil.copytree(database, tmp_path / f"home of {lane}")
        for number in range(lane, MOMENTS + 2, LANES):
            drive = start(work="600", PREFECT_HOME=str(home))
            time.sleep(number / MOMENTS * start_s)  # from before Prefect is imported to after the server is up
            drive.process.kill()
            drive.process.wait()
            wait_gone(drive.beside)

    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(kill_runs, range(LANES)))


def test_a_ctrl_c_in_the_terminal_does_not_reach_the_server(start: Callable[..., Drive]) -> None:
    drive = start()
    drive.wait_working()
    os.killpg(drive.process.pid, signal.SIGINT)
    lines = drive.finish()
    assert lines[-1].startswith("closed") and len(lines) == 1, lines
    assert "Traceback" not in drive.log()


def test_a_proxy_for_the_world_is_not_asked_for_this_machine(start: Callable[..., Drive]) -> None:
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    drive = start(**proxies)
    drive.wait_working()
    assert drive.finish()[0].startswith("closed")


def test_a_database_of_a_newer_prefect_is_one_line_that_says_what_to_do(
    start: Callable[..., Drive], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "home/prefect.db")) as connection:
        connection.execute("update alembic_version set version_num = 'fedcba987654'")
        connection.commit()
    lines = start(work="until-said", close_s=5).finish()
    said = [line for line in lines if "Prefect" in line]
    assert len(said) == 1
    assert "was made by a newer Prefect; set PREFECT_HOME to another folder" in said[0]
    assert "continues without Prefect" in said[0]


def test_a_server_that_is_named_but_does_not_answer_is_replaced_by_one_of_our_own(
    start: Callable[..., Drive], tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    drive = start(PREFECT_API_URL=url)
    assert drive._line() == f"Prefect's server at {url} does not answer; this run uses one of its own\n"
    drive.wait_working()
    assert drive.finish()[-1].startswith("closed")
    assert states(str(tmp_path / "home"), "flow_run")[-1] == "Completed"


def test_a_home_that_cannot_be_written_is_one_line(start: Callable[..., Drive]) -> None:
    lines = start(work="until-said", close_s=5, PREFECT_HOME="/proc/nowhere", HOME="/proc/nowhere").finish()
    said = [line for line in lines if "Prefect" in line]
    assert len(said) == 1, lines
    assert "/proc/nowhere must be a folder that can be written to; set PREFECT_HOME to one" in said[0]


def test_a_run_that_ends_before_the_server_is_ready_is_not_held_up_beyond_its_time(start: Callable[..., Drive]) -> None:
    lines = start(work="0", close_s=1).finish()
    assert lines[-2] == "Prefect was not done within 1 s: its record of this run is incomplete"
    assert float(lines[-1].split()[1]) < 5
