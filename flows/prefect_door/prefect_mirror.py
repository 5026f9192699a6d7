"""The observer that shows a run in Prefect: it sends the events of the run to a separate process, which records them.

Importing Prefect takes 2 to 6 seconds of processor time and starting its server 7, so neither happens in the process of
the run: the engine's loop appends events to a deque, and a thread writes them to a pipe. The other process
(prefect_process.py) is in its own session, so Ctrl-C in the terminal does not reach it, and it exits when the pipe is
closed, so no server is left however the run ends.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.engine.outcome import Item, Outcome, Step, Summary
from flows.engine.project import STATE
from flows.prefect_door.flow_run_state import decide_final_state, make_result_table

PREFECT_LOG = Path(STATE) / "logs" / "prefect-server.log"
"""Log of the process beside the run and of the server in it; of the last run."""
POLL_S = 0.1
"""Longest time in seconds before an event is written to the pipe."""
GRACE_S = 2.0
"""Seconds that the other process may take to exit beyond its time limit."""
ITEMS_PER_MESSAGE = 500
"""Items of a plan in one message, since encoding a message blocks the engine's loop."""
MAX_SOURCES = 50
"""Most edges into one task run; a stage over a thousand videos would make the graph unreadable."""

SayLine = Callable[[int, str], None]
Message = list[Any]


class PrefectMirror:
    """An Observer (flows.engine.outcome) that shows the run in Prefect; a failure here does not fail the run.

    `versions` gives the fingerprint of a stage's code, `reads` the items that an item reads, for the graph of the flow
    run; `retry_delays_s` are the engine's waits before the second and further attempts. With `flow_run_id` the run
    becomes part of that flow run, whose state its flow then sets; otherwise a flow run is created. `api_url` names the
    server; by default Prefect's settings do. `say` receives the lines for the user, in a thread of the mirror; by
    default they are logged.
    """

    def __init__(
        self,
        versions: Mapping[str, str] | None = None,
        reads: Callable[[Item], Sequence[Item]] | None = None,
        *,
        retry_delays_s: Sequence[float] = (),
        flow_run_id: str | None = None,
        api_url: str | None = None,
        say: SayLine | None = None,
    ) -> None:
        self.attempted: set[Item] = set()
        """The items that a worker has started."""
        self._versions = dict(versions or {})
        self._reads = reads
        self._retry_delays_s = list(retry_delays_s)
        self._flow_run_id = flow_run_id
        self._api_url = api_url
        self._say: SayLine = say or logging.getLogger("semflow").log
        self._events: deque[tuple[Any, ...]] = deque()
        self._planned: frozenset[Item] = frozenset()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._ended_well = False
        self._ended_early = False
        self._opened = False

    def open(self, root: Path, videos: Sequence[str] | None = None, stages: Sequence[str] | None = None) -> None:
        """Start recording the run in Prefect; returns at once."""
        self.start_process(root)
        opening = {
            "root": str(root),
            "pid": os.getpid(),
            "videos": None if videos is None else list(videos),
            "stages": None if stages is None else list(stages),
            "versions": self._versions,
            "retry_delays_s": self._retry_delays_s,
            "flow_run_id": self._flow_run_id,
        }
        self._events.appendleft(("open", opening))
        self._opened = True

    def start_process(self, root: Path) -> None:
        """Start the other process, unless it runs; without `open` after it, `close` ends it and nothing is recorded."""
        if self._process is not None or self._opened:
            return
        log = root / PREFECT_LOG
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as file:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "flows.prefect_door.prefect_process", str(log)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=file,
                    env=make_environment(self._api_url),
                    start_new_session=True,
                )
        except OSError as error:
            self._say(logging.WARNING, f"Prefect could not be started ({error}); this run continues without it")
            return
        self._threads = [
            threading.Thread(target=work, args=(self._process,), daemon=True, name=f"prefect-{work.__name__[1:]}")
            for work in (self._write, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        self._planned = frozenset(items)
        self._events.append(("planned", time.time(), tuple(items), dict(expected_s), workers))

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        self.attempted.add(item)
        self._events.append(("started", time.time(), item, worker, attempt))

    def on_progress(self, item: Item, step: Step) -> None:
        """Not used: Prefect has only the states of an item."""

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        self._events.append(("ended", time.time(), outcome, final))

    def on_message(self, level: int, message: str) -> None:
        self._events.append(("log", time.time(), level, message))

    def on_finished(self, summary: Summary) -> None:
        self._events.append(("finished", time.time(), summary))

    def close(self, timeout_s: float = 10.0, *, quiet: bool = False) -> None:
        """Wait at most `timeout_s` until Prefect has recorded the run, then end its process; warns if incomplete."""
        process = self._process
        if process is None or not self._opened:
            self.kill_process()
            return
        self._events.append(("close", timeout_s))
        self._closing.set()
        try:
            code = process.wait(timeout_s + GRACE_S)
        except subprocess.TimeoutExpired:
            code = 1
        finally:
            self._end_process(process)
        if code and not self._ended_early and not quiet:
            self._say(
                logging.WARNING, f"Prefect was not done within {timeout_s:.0f} s: its record of this run is incomplete"
            )

    def take_messages(self) -> list[Message]:
        """Events since the last call, as messages for the other process."""
        messages: list[Message] = []
        while self._events:
            messages.extend(self._encode(self._events.popleft()))
        return messages

    def kill_process(self) -> None:
        """Kill the other process at once, whatever it has recorded."""
        if self._process is not None:
            self._closing.set()
            self._end_process(self._process)

    def _end_process(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for thread in self._threads:
            thread.join(timeout=1.0)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()
        self._process = None

    def _write(self, process: subprocess.Popen[bytes]) -> None:
        """Write the queued events to the pipe until the run ends or the pipe is closed."""
        assert process.stdin is not None
        last = False
        while not last:
            last = self._closing.wait(POLL_S)
            # The opening is the first message, whatever happened between the start of the process and `open`.
            lines = [json.dumps(message) for message in self.take_messages()] if self._opened else []
            try:
                process.stdin.write("".join(f"{line}\n" for line in lines).encode())
                process.stdin.flush()
            except (OSError, ValueError):
                return

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Pass the lines of the other process to the user; warns where it ended early."""
        assert process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in process.stdout:
                with contextlib.suppress(ValueError):
                    level, text = json.loads(line)
                    if level is None:
                        self._ended_well = True
                    else:
                        self._say(int(level), str(text))
        if not self._ended_well and not self._closing.is_set():
            self._ended_early = True
            self._say(logging.WARNING, "Prefect's process ended early; this run continues without it")

    def _encode(self, event: tuple[Any, ...]) -> list[Message]:
        """An event as messages of plain JSON values, which the other process reads without importing the engine."""
        match event:
            case ("planned", when, items, expected_s, workers):
                rows = [[i.video, i.stage, str(i), expected_s.get(i), self._sources(i)] for i in items]
                return [
                    ["planned", when, rows[n : n + ITEMS_PER_MESSAGE], workers]
                    for n in range(0, len(rows), ITEMS_PER_MESSAGE)
                ]
            case ("started", when, item, worker, attempt):
                return [["started", when, item.video, item.stage, str(item), worker, attempt]]
            case ("ended", when, outcome, final):
                new = outcome.item in self.attempted
                return [["ended", when, {**outcome.to_dict(), "label": str(outcome.item), "new": new}, final]]
            case ("finished", when, summary):
                state = decide_final_state(summary, self.attempted)
                result = {
                    "state": [state.type, state.name, state.message],
                    "table": make_result_table(summary.outcomes),
                    "index": summary.index,
                }
                return [["finished", when, result]]
            case _:
                return [list(event)]

    def _sources(self, item: Item) -> list[tuple[str, str]]:
        """The items of this run that `item` reads."""
        if self._reads is None:
            return []
        found = [(source.video, source.stage) for source in self._reads(item) if source in self._planned]
        return found[:MAX_SOURCES]


def name_direct_hosts(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables under which requests to this machine go there and not to the proxy of a university or a hospital."""
    known = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    direct = ",".join(filter(None, (known, "127.0.0.1", "localhost")))
    return {"NO_PROXY": direct, "no_proxy": direct}


def make_environment(api_url: str | None) -> dict[str, str]:
    """The environment of the other process: the same code, and no proxy for requests to this machine."""
    environment = dict(os.environ)
    code = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (code, environment.get("PYTHONPATH"))))
    environment |= name_direct_hosts(environment)
    if api_url:
        environment["PREFECT_API_URL"] = api_url
    # No telemetry unless the user enables it.
    environment.setdefault("DO_NOT_TRACK", "1")
    environment.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    return environment
