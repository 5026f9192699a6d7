"""A scripted run in a process of its own: `python -m tests.flows.prefect_door.drive ROOT SECONDS CLOSE_S`.

Tells its mirror of two items, works for SECONDS, or where that is "until-ready" until Prefect knows of the run, or
where it is "until-said" until there is a line for the user, and ends.
Prints the lines for the user, and "closed" with the seconds that closing took.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
import time
from pathlib import Path

from tests.flows.prefect_door.scripts import COUNT_ONE, READ_ONE, made, make_mirror, make_summary

PATIENCE_S = 150


def knows(home: Path, root: Path) -> bool:
    """Whether the run of `root` is in the database in `home`."""
    try:
        with sqlite3.connect(f"file:{home / 'prefect.db'}?mode=ro", uri=True) as database:
            running = "select 1 from task_run join flow_run on flow_run.id = flow_run_id"
            return bool(database.execute(f"{running} where parameters like ?", (f'%"{root}"%',)).fetchone())
    except sqlite3.Error:
        return False


def main(root: Path, home: Path, work: str, close_s: float) -> None:
    signal.signal(signal.SIGINT, lambda *_: None)  # the engine stops by itself; here it only must not die of it
    said: list[str] = []

    def say(_: int, text: str) -> None:
        print(text, flush=True)
        said.append(text)

    mirror = make_mirror(say=say)
    began = time.perf_counter()
    mirror.open(root)
    print(f"opened {time.perf_counter() - began:.3f} {mirror._process.pid if mirror._process else 0}", flush=True)
    mirror.on_planned([READ_ONE, COUNT_ONE], {}, 1)
    mirror.on_started(READ_ONE, 0, 1)
    mirror.on_ended(made(READ_ONE), True)
    mirror.on_started(COUNT_ONE, 0, 1)
    done = {"until-ready": lambda: knows(home, root), "until-said": lambda: bool(said)}.get(work, lambda: False)
    until = time.monotonic() + (PATIENCE_S if work.startswith("until") else float(work))
    while time.monotonic() < until and not done():
        time.sleep(0.05)
    print("working", flush=True)
    if work == "until-ready":
        sys.stdin.readline()
    mirror.on_ended(made(COUNT_ONE), True)
    mirror.on_finished(make_summary(made(READ_ONE), made(COUNT_ONE)))
    began = time.perf_counter()
    mirror.close(close_s)
    print(f"closed {time.perf_counter() - began:.2f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
