"""The process beside a run that records it in Prefect: `python -m flows.prefect_door.prefect_process LOG`, messages
on stdin.

It uses the server that Prefect's settings name, or is a server itself, and records the run there
(prefect_recorder.py). It exits when the run closes it, within the time limit of that message, and within seconds after
the run's process has died: it detects the end of the pipe or, where a grandchild keeps that open, a new parent process.
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
"""File descriptor of the socket, set when this process was restarted to be the server."""
CONNECT_TIMEOUT_S = 10.0
"""Seconds that a configured server may take to answer."""
START_TIMEOUT_S = 180.0
"""Seconds that our own server may take to start: the first time it creates a database, on a busy machine."""
ORPHAN_TIMEOUT_S = 6.0
"""Seconds that this process may run after the run's process has died."""
NICENESS = 5
"""Nice value while many items are recorded, so that the run has priority."""
MANY_ITEMS = 100
"""Items from which on the run has priority; with fewer, its user waits for this process."""
DATABASE_NOTE = "prefect_database.json"
"""File in the state folder: see prefect_database.py."""
YOUNG_OBJECTS = 50_000
"""New objects after which Python looks for cycles among them: one batch of task runs makes tens of thousands."""


class RunPipes:
    """The two pipes: messages from the run, and lines for its user."""

    def __init__(self, messages: int, lines: int) -> None:
        self.inbox: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
        self._messages = messages
        self._lines = os.fdopen(lines, "w", encoding="utf-8")
        self._parent = os.getppid()
        self.recording = False
        self.item_count = 0
        """Items that the run has planned so far."""

    def start_listening(self) -> None:
        """Start the threads that receive messages and detect the death of the run's process."""
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def send_line(self, level: int | None, text: str) -> None:
        """Send a line for the user with its logging level; level None: recording is complete."""
        with contextlib.suppress(OSError, ValueError):
            self._lines.write(json.dumps([level, text]) + "\n")
            self._lines.flush()

    def restore_stdout(self) -> None:
        """Make the pipe for lines the standard output again, for a restarted program."""
        os.dup2(self._lines.fileno(), 1)

    def _read(self) -> None:
        source: IO[bytes] = os.fdopen(self._messages, "rb")
        for line in source:
            message: list[Any] = json.loads(line)
            self.inbox.put(message)
            if message[0] == "planned":
                self.item_count += len(message[2])
                if self.item_count > MANY_ITEMS:
                    lower_priority()
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
            os._exit(0)  # nothing is recorded yet, so no state has to be corrected
        limit_lifetime(ORPHAN_TIMEOUT_S)
        self.inbox.put(["lost"])


def limit_lifetime(seconds: float) -> None:
    """Exit this process after `seconds`, whatever it is doing."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


def lower_priority() -> None:
    """Give every thread of this process the nice value NICENESS, unless it has a higher one."""
    with contextlib.suppress(OSError):
        threads = Path("/proc/self/task")  # Linux: a nice value is that of a thread
        for thread in [int(path.name) for path in threads.iterdir()] if threads.is_dir() else [0]:
            nice = max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
            os.setpriority(os.PRIO_PROCESS, thread, nice)


def main(log: Path) -> NoReturn:
    """Record one run; never returns."""
    gc.disable()  # importing Prefect makes a million objects that stay: looking for cycles among them takes 6 % of it
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "2")
    pipes = RunPipes(os.dup(0), os.dup(1))
    os.dup2(2, 1)  # output of libraries goes to the log, not to the user
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
        _restart_as_server(pipes)
    pipes.send_line(None, "")
    sys.stderr.flush()
    os._exit(0)  # Prefect's threads would wait for a server that has stopped


def serve_and_record(pipes: RunPipes, log: Path, listener: socket.socket) -> None:
    """Run the server in this thread and the recording in another."""
    os.environ.update({name: os.environ.get(name, value) for name, value in EPHEMERAL_SETTINGS.items()})
    pipes.start_listening()
    server = EphemeralServer(listener)
    recorder = threading.Thread(target=_record_there, args=(pipes, server), daemon=True)
    recorder.start()
    try:
        came_up, error = server.run(lambda: pipes.item_count, note=log.parents[1] / DATABASE_NOTE), None
    except SystemExit:  # raised by uvicorn when it cannot start; the reason is in its log
        came_up, error = server.wait_ready(0), None
    except Exception as caught:
        came_up, error = False, caught
        logging.getLogger(__name__).exception("the server failed")
    if not came_up:
        sys.stderr.flush()
        reason = find_reason(log, error)
        pipes.send_line(
            logging.WARNING, f"Prefect's server did not start: {reason}; this run continues without Prefect"
        )


def record_run(pipes: RunPipes, own: bool) -> None:
    """Record the run at the configured server; an error ends the recording, not the run."""
    from prefect.client.orchestration import get_client

    from flows.prefect_door.prefect_recorder import PrefectRecorder

    gc.freeze()  # what the imports made stays
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()
    pipes.recording = True
    try:
        with get_client(sync_client=True) as client:
            PrefectRecorder(client, pipes.inbox, pipes.send_line, own).run()
    except Exception as error:
        logging.getLogger(__name__).exception("the recording failed")
        reason = " ".join(str(error).split())[:300]
        pipes.send_line(logging.WARNING, f"Prefect stopped recording this run ({type(error).__name__}: {reason})")


def _record_there(pipes: RunPipes, server: EphemeralServer) -> None:
    if server.wait_ready(START_TIMEOUT_S):
        record_run(pipes, own=True)
    else:
        pipes.send_line(
            logging.WARNING,
            f"Prefect's server was not ready within {START_TIMEOUT_S:.0f} s; this run continues without Prefect",
        )
    server.stop()


def _configured() -> str | None:
    """The address of the server that Prefect's settings name."""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


def _name(listener: socket.socket) -> None:
    """Point Prefect's client in this process to our own server; must be called before Prefect is imported."""
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
    os.environ.pop("PREFECT_API_KEY", None)


def _restart_as_server(pipes: RunPipes) -> NoReturn:
    """Restart this program as the server, since Prefect reads its settings once, on import."""
    listener = EphemeralServer.bind_free_port()
    _name(listener)
    pipes.restore_stdout()
    os.environ[SOCKET_VARIABLE] = str(listener.fileno())
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
