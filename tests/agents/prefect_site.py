"""A Prefect server, a bucket, and projects of toy stages with their agents, each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.engine.entry_points import Toy, environment, prefork_server, python_path, start_project

PATIENCE_S = 240.0
GRACE_S = 20.0
MAX_BUSY = 10
"""Requests that a busy server may answer with 503, one a second."""
POSTGRES = Path("/usr/lib/postgresql")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Site:
    """Everything that runs, and how to ask it."""

    folder: Path
    variables: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, subprocess.Popen[bytes]])
    server: list[str] = field(default_factory=list[str])
    """The command that starts the server."""

    def kill(self, name: str) -> None:
        """Kill a process and its children at once, as a power cut does."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def start(self, name: str, toy: Toy, *words: str) -> subprocess.Popen[bytes]:
        """Start a command in the project of `toy`; what it says goes to a file."""
        log = (self.folder / f"{name}.log").open("ab")
        environment = self.environment(toy)
        with log:
            process = subprocess.Popen(
                words, cwd=toy.root, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes[name] = process
        return process

    def call(self, toy: Toy, *words: str) -> str:
        """Run a command that must succeed; what it says."""
        done = subprocess.run(
            words,
            cwd=toy.root,
            env=self.environment(toy),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def environment(self, toy: Toy) -> dict[str, str]:
        return environment(toy.root, toy.common) | self.variables | {"PYTHONDONTWRITEBYTECODE": ""}

    def stop(self, name: str) -> None:
        """Ask a process and its children to end, then make them."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_all(self) -> None:
        for name in reversed(list(self.processes)):
            self.stop(name)

    def read_log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""


def wait_until(ready: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    until = time.monotonic() + patience_s
    while not ready():
        assert time.monotonic() < until, f"{what} did not happen in time"
        time.sleep(0.5)


def semflow(*words: str) -> list[str]:
    return [sys.executable, "-m", "flows.cli.main", *words]


@contextlib.contextmanager
def open_site(folder: Path, toy: Toy, database: str | None = None) -> Iterator[Site]:
    """A site whose server runs; everything that was started in it ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    variables = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    site = Site(folder, variables)
    words = ["server", "--port", str(port), *(["--database", database] if database else [])]
    try:
        site.server = semflow(*words)
        site.start("server", toy, *site.server)
        yield site
    finally:
        site.stop_all()


@contextlib.contextmanager
def open_postgres() -> Iterator[str | None]:
    """The address of a PostgreSQL server with a database of its own; None where it is not installed."""
    programs = sorted(POSTGRES.glob("*/bin/initdb"))
    if not programs:
        yield None
        return
    bin_folder, port = programs[-1].parent, free_port()
    folder = Path(tempfile.mkdtemp(prefix="semflow-postgres-"))
    prefix: Sequence[str] = ()
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "nobody")
        prefix = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    data = folder / "data"
    subprocess.run(
        [*prefix, bin_folder / "initdb", "-D", data, "-U", "semflow", "-A", "trust"],
        check=True,
        cwd=folder,
        capture_output=True,
    )
    words = [*prefix, bin_folder / "postgres", "-D", data, "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
    try:
        ready = [bin_folder / "pg_isready", "-h", "127.0.0.1", "-p", str(port)]
        wait_until(
            lambda: subprocess.run(ready, check=False, capture_output=True).returncode == 0, "PostgreSQL's start"
        )
        subprocess.run(
            [bin_folder / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "semflow", "prefect"], check=True
        )
        yield f"postgresql+asyncpg://semflow@127.0.0.1:{port}/prefect"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def open_team(folder: Path, bucket: str, agents: int) -> Iterator[tuple[Site, Toy, list[Toy]]]:
    """A site with PostgreSQL where it is installed, a project, and clones for `agents` agents, which share `bucket`."""
    with prefork_server(folder) as served, open_postgres() as database:
        toy = start_project(folder / "head", folder, served)
        toy.dvc("remote", "add", "-d", "team", "s3://team/store")
        toy.dvc("remote", "modify", "team", "endpointurl", bucket)
        toy.dvc("remote", "modify", "team", "region", "us-east-1")
        toy.git("add", ".")
        toy.git("commit", "-qm", "Remote")
        clones = [make_agent_clone(toy, folder / f"agent{n}") for n in range(agents)]
        with open_site(folder / "site", toy, database) as site:
            wait_until(lambda: answers(site), "the server's start")
            yield site, toy, clones


def make_agent_clone(toy: Toy, home: Path) -> Toy:
    """A clone on another machine: its own cache, the same remote, no data."""
    clone = toy.clone(home)
    assert python_path(clone.root)
    return clone


def answers(site: Site) -> bool:
    try:
        with urllib.request.urlopen(site.variables["PREFECT_API_URL"] + "/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def flow_runs(site: Site, name: str) -> list[dict[str, object]]:
    """The runs of a flow that have begun, newest last."""
    over = {"flows": {"name": {"any_": [name]}}, "sort": "START_TIME_ASC"}
    return [run for run in ask_server(site, "/flow_runs/filter", over) if run["start_time"]]


def read_artifacts(site: Site, run: str) -> dict[str, dict[str, Any]]:
    """Key to artifact of a flow run, as its page shows them."""
    found = ask_server(site, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}})
    return {artifact["key"]: artifact for artifact in found}


def ask_server(site: Site, path: str, over: dict[str, Any]) -> list[dict[str, Any]]:
    """What the server's API gives."""
    return call_api(site, "POST", path, over)


def call_api(site: Site, method: str, path: str, body: object = None) -> Any:
    """What the server's API answers; None where it answers nothing. Asks again, as Prefect does, while it is busy."""
    request = urllib.request.Request(
        site.variables["PREFECT_API_URL"] + path,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    for left in reversed(range(MAX_BUSY)):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE or not left:  # its SQLite is locked
                raise
            time.sleep(1)
    raise AssertionError("unreachable")


ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def agent_calls(toy: Toy) -> list[str]:
    path = toy.home / "calls"
    return path.read_text().splitlines() if path.exists() else []


def program(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, *words]


def workers_online(site: Site) -> int:
    count = 0
    for pool in ("semflow", "semflow-cpu", "semflow-gpu"):
        request = urllib.request.Request(
            f"{site.variables['PREFECT_API_URL']}/work_pools/{pool}/workers/filter",
            b"{}",
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                count += sum(worker["status"] == "ONLINE" for worker in json.load(answer))
        except OSError:
            return 0
    return count


def find_processes(module: str, roots: Sequence[Path]) -> list[int]:
    """The living processes `python -m module` whose current folder is one of `roots` or lies below it."""
    found: list[int] = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                words = (path / "cmdline").read_bytes().split(b"\0")
                here = (path / "cwd").readlink()
            except OSError:
                continue
            if module.encode() in words and any(here.is_relative_to(root) for root in roots):
                found.append(int(path.name))
    return sorted(found)
