"""An ephemeral Prefect server in the process beside a run, for runs where no server is configured.

It listens on a free port of 127.0.0.1 that is bound first (no race), and uses Prefect's usual database (PREFECT_HOME).
Where it cannot start, `find_reason` gives the reason in one line.
"""

from __future__ import annotations

import gc
import os
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from flows.prefect_door.prefect_database import SKIP_PREPARATION, find_database, is_prepared, note_revision

EPHEMERAL_SETTINGS = {
    # As Prefect sets them for its own temporary server: no UI, and no services that a short-lived server does not need.
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    # One transaction for up to 100 states of items: 4.3 ms of processor time an item instead of 20 (Prefect 3.8.8).
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    # Task runs and their states are recorded from events; the events themselves, as a feed, would take 1.2 ms an item.
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "0",
    # Automations are evaluated for every event, and nobody can have set one up on a server that ends with its run.
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "0",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    # Of a package that Prefect's server imports: it is not rewritten with checks of types while it is imported.
    "PY_KEY_VALUE_DISABLE_BEARTYPE": "true",
}
RECORDER_BATCH = "server.services.task_run_recorder.batch_size"
"""Name of Prefect's setting in its Python interface."""
USED_ROUTERS = ("/flows", "/flow_runs", "/task_runs", "/events", "/artifacts", "/logs")
"""Parts of Prefect's API that a recorder asks."""
NAMES_SERVER = re.compile(rb"PREFECT_API_URL|^\s*\[.*\bapi\]|\bapi\s*[.=]|\burl\s*=", re.IGNORECASE | re.MULTILINE)
TAIL = 20_000
"""Characters at the end of the log that are searched for a reason."""
REASONS = (
    (
        r"Can't locate revision",
        "the database in {home} was made by a newer Prefect; set PREFECT_HOME to another folder",
    ),
    (
        r"No space left on device|database or disk is full",
        "the disk with {home} is full; make room, or set PREFECT_HOME to another folder",
    ),
    (
        r"file is not a database|database disk image is malformed",
        "the database in {home} is damaged; remove it, or set PREFECT_HOME to another folder",
    ),
    (
        r"database is locked",
        "the database in {home} is in use by another process; try again, or set PREFECT_HOME to another folder",
    ),
    (
        r"PermissionError|Permission denied|Read-only file system|unable to open database|readonly database"
        r"|FileNotFoundError|NotADirectoryError|Failed to create the Prefect home",
        "{home} must be a folder that can be written to; set PREFECT_HOME to one",
    ),
)


def may_be_configured() -> bool:
    """Whether a server may be configured in any file that Prefect reads; searches them without importing it."""
    if os.environ.get("PREFECT_API_URL"):
        return True
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH") or find_prefect_home() / "profiles.toml")
    for path in (profiles, Path("prefect.toml"), Path(".env")):
        try:
            if NAMES_SERVER.search(path.read_bytes()):
                return True
        except OSError:
            continue
    try:
        return b"[tool.prefect" in Path("pyproject.toml").read_bytes()
    except OSError:
        return False


def find_prefect_home() -> Path:
    """The folder of Prefect's database."""
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


def is_reachable(url: str, seconds: float) -> bool:
    """Whether a Prefect API answers at `url`; retries for `seconds` while a server is starting."""
    waited = threading.Event()
    for _ in range(max(1, round(seconds))):
        try:
            return not httpx.get(f"{url.rstrip('/')}/health", timeout=seconds).is_server_error
        except httpx.TimeoutException:
            return False
        except httpx.HTTPError:
            waited.wait(1.0)
    return False


class EphemeralServer:
    """The server, in the process and thread that calls `run`; everything else may be called from other threads."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._ready = threading.Event()
        self._stopped = threading.Event()
        self._server: object | None = None

    @staticmethod
    def bind_free_port() -> socket.socket:
        """A socket bound to a free port of 127.0.0.1."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.set_inheritable(True)
        return listener

    def run(self, count_items: Callable[[], int] = lambda: 0, note: Path | None = None) -> bool:
        """Serve until `stop`; whether it started. Its log goes to stderr.

        `count_items` gives the number of items to be recorded, as far as the run has told it when Prefect is imported:
        a batch of states is no larger, as a smaller one would wait for the recorder's next second. `note`: the file in
        which the revision of a prepared database is noted (prefect_database.py); None: it is always prepared.
        """
        import uvicorn
        from prefect.server.api import server as prefect_api
        from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, get_current_settings, temporary_settings

        ready = self._ready
        url = str(PREFECT_API_DATABASE_CONNECTION_URL.value())

        def started() -> None:
            if not skips and note is not None and (made := find_database(url)) is not None:
                note_revision(made, note)
            ready.set()

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if self.started:
                    started()

        order_routers(prefect_api)
        gc.freeze()  # what the imports made stays: create_app looks for cycles, .25 s among a million objects
        config = uvicorn.Config(
            prefect_api.create_app(ephemeral=True, final=True),
            log_level="error",
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
        self._server = server = Server(config)
        if self._stopped.is_set():
            return False
        database = find_database(url)
        skips = database is not None and note is not None and is_prepared(database, note)
        most = get_current_settings().server.services.task_run_recorder.batch_size
        updates: Any = {RECORDER_BATCH: min(most, count_items() or most)} | (SKIP_PREPARATION if skips else {})
        with temporary_settings(updates):
            server.run(sockets=[self._listener])
        return self._ready.is_set()

    def wait_ready(self, seconds: float) -> bool:
        """Whether it accepts requests within `seconds`."""
        return self._ready.wait(seconds)

    def stop(self) -> None:
        """Make `run` return."""
        self._stopped.set()
        if self._server is not None:
            self._server.should_exit = True  # type: ignore[attr-defined]


def order_routers(prefect_api: Any) -> None:
    """Let the server try the parts of its API that are used first: FastAPI prepares all routes of what it tries, when
    it is first tried (.25 s of processor time for those of all parts)."""
    routers = getattr(prefect_api, "API_ROUTERS", None)
    if routers is not None:
        prefect_api.API_ROUTERS = tuple(sorted(routers, key=lambda router: router.prefix not in USED_ROUTERS))


def find_reason(log: Path, error: BaseException | None = None) -> str:
    """Why the server did not start, from its log: a message that says what to do, else the last line of the log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
    except OSError:
        text = ""
    text += f"\n{type(error).__name__}: {error}" if error is not None else ""
    for pattern, words in REASONS:
        if re.search(pattern, text):
            return words.format(home=find_prefect_home())
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
    messages = [line for line in lines if not line.endswith("Exiting.")]
    return f"{messages[-1][:300]}; see {log}" if messages else f"it logged nothing; see {log}"
