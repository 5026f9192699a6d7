"""The process beside a run that records it in Prefect: `python -m flows.prefect_door.prefect_process LOG`, messages
on stdin.

It finds the server that Prefect's settings name, or is one itself, and records the run there (prefect_recorder.py). It
ends when the run closes it, within the time limit of that message; and by itself within seconds when the run's process
is gone: it sees the end of the pipe or, where a grandchild holds that open, the number of its parent change.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import queue
import socket
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, NoReturn

from flows.prefect_door.prefect_server import (
    EPHEMERAL_SETTINGS,
    EphemeralServer,
    find_reason,
    is_reachable,
    may_be_configured,
)

SOCKET_VARIABLE = "SEMFLOW_PREFECT_OWN"
"""Holds the descriptor of the socket where this process was started anew to be the server."""
CONNECT_TIMEOUT_S = 10.0
"""How long a server that is named may take to answer."""
START_TIMEOUT_S = 180.0
"""How long our own may take to start: it builds a database the first time, on a machine that is busy computing."""
ORPHAN_TIMEOUT_S = 6.0
"""How long this process may live on without the run."""
NICENESS = 5
"""The run comes first."""


class RunPipes:
    """The two pipes: messages of the run, and lines for its user."""

    def __init__(self, messages: int, lines: int) -> None:
        self.inbox: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
        self._messages = messages
        self._lines = os.fdopen(lines, "w", encoding="utf-8")
        self._parent = os.getppid()
        self.recording = False

    def start_listening(self) -> None:
        """Take messages in the background from now on, and notice when the run is gone."""
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def send_line(self, level: int | None, text: str) -> None:
        """Tell the user of the run; level None: all is done."""
        with contextlib.suppress(OSError, ValueError):
            self._lines.write(json.dumps([level, text]) + "\n")
            self._lines.flush()

    def restore_stdout(self) -> None:
        """Put the pipe for lines back where a program finds it."""
        os.dup2(self._lines.fileno(), 1)

    def _read(self) -> None:
        source: IO[bytes] = os.fdopen(self._messages, "rb")
        for line in source:
            message: list[Any] = json.loads(line)
            self.inbox.put(message)
            if message[0] == "close":
                limit_lifetime(message[1] + 1.0)
                return
        self._lost()

    def _watch(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(0.5)
        self._lost()

    def _lost(self) -> None:
        if not self.recording:
            os._exit(0)  # nothing is recorded yet, so nothing has to be put right
        limit_lifetime(ORPHAN_TIMEOUT_S)
        self.inbox.put(["lost"])


def limit_lifetime(seconds: float) -> None:
    """End this process after `seconds`, whatever it is at."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


def main(log: Path) -> NoReturn:
    """Record one run; never returns."""
    if SOCKET_VARIABLE not in os.environ:
        with contextlib.suppress(OSError):
            os.nice(NICENESS)
    gc.disable()  # importing Prefect makes a million objects that stay: looking for cycles among them takes 6 % of it
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "2")
    pipes = RunPipes(os.dup(0), os.dup(1))
    os.dup2(2, 1)  # what a library prints is no line for the user
    if SOCKET_VARIABLE in os.environ:
        serve_and_record(pipes, log, socket.socket(fileno=int(os.environ.pop(SOCKET_VARIABLE))))
    elif not may_be_configured() or (url := _configured()) is None:
        listener = EphemeralServer.bind_free_port()
        _name(listener)
        serve_and_record(pipes, log, listener)
    elif is_reachable(url, CONNECT_TIMEOUT_S):
        pipes.start_listening()
        record_run(pipes, own=False)
    else:
        pipes.send_line(logging.WARNING, f"Prefect's server at {url} does not answer; this run uses one of its own")
        _begin_anew(pipes)
    pipes.send_line(None, "")
    sys.stderr.flush()
    os._exit(0)  # Prefect's threads would wait for a server that is gone


def serve_and_record(pipes: RunPipes, log: Path, listener: socket.socket) -> None:
    """Serve in this thread, record in another."""
    os.environ.update({name: os.environ.get(name, value) for name, value in EPHEMERAL_SETTINGS.items()})
    pipes.start_listening()
    server = EphemeralServer(listener)
    recorder = threading.Thread(target=_record_there, args=(pipes, server), daemon=True)
    recorder.start()
    try:
        came_up, error = server.run(), None
    except SystemExit:  # uvicorn's way to say that it did not start; its log says why
        came_up, error = server.wait_ready(0), None
    except Exception as caught:
        came_up, error = False, caught
        logging.getLogger(__name__).exception("the server failed")
    if not came_up:
        sys.stderr.flush()
        reason = find_reason(log, error)
        pipes.send_line(logging.WARNING, f"Prefect's server did not start: {reason}; this run goes on without Prefect")


def record_run(pipes: RunPipes, own: bool) -> None:
    """Record the run at the server that the settings name by now; a refusal costs the recording, not the run."""
    from prefect.client.orchestration import get_client

    from flows.prefect_door.prefect_recorder import PrefectRecorder

    gc.enable()
    pipes.recording = True
    try:
        with get_client(sync_client=True) as client:
            PrefectRecorder(client, pipes.inbox, pipes.send_line, own).run()
    except Exception as error:
        logging.getLogger(__name__).exception("the recording failed")
        words = " ".join(str(error).split())[:300]
        pipes.send_line(logging.WARNING, f"Prefect stopped recording this run ({type(error).__name__}: {words})")


def _record_there(pipes: RunPipes, server: EphemeralServer) -> None:
    if server.wait_ready(START_TIMEOUT_S):
        record_run(pipes, own=True)
    else:
        pipes.send_line(
            logging.WARNING,
            f"Prefect's server was not ready within {START_TIMEOUT_S:.0f} s; this run goes on without Prefect",
        )
    server.stop()


def _configured() -> str | None:
    """The address of the server that Prefect's settings name."""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


def _name(listener: socket.socket) -> None:
    """Let Prefect's client in this process find our own server; must come before Prefect is imported."""
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
    os.environ.pop("PREFECT_API_KEY", None)


def _begin_anew(pipes: RunPipes) -> NoReturn:
    """Start this program again as the server: Prefect reads its settings once, on import."""
    listener = EphemeralServer.bind_free_port()
    _name(listener)
    pipes.restore_stdout()
    os.environ[SOCKET_VARIABLE] = str(listener.fileno())
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
