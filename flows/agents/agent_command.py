"""`semflow agent`: start Prefect workers that compute batches on this machine, one for each device."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from flows.agents.deploy_command import COORDINATOR_POOL, HEARTBEAT_S, open_client
from flows.agents.prefect_launcher import POOLS
from flows.cli.command_options import ValuesCommand
from flows.engine.project import find_root
from tasks.errors import SemflowError

POLL_S = 5
"""Seconds between two questions of a worker for work: a batch starts that much later at most."""
GRACE_S = 30.0
"""Seconds that workers get to end what they do, after a signal."""


@dataclass(frozen=True)
class WorkerCommand:
    """A Prefect worker to start."""

    name: str
    pool: str
    environment: Mapping[str, str]
    processors: frozenset[int]
    """Processors that it and its batches may use."""

    @property
    def words(self) -> list[str]:
        """The command line."""
        limit = ["--limit", "1", "--type", "process"]
        return [sys.executable, "-m", "prefect", "worker", "start", "--pool", self.pool, "--name", self.name, *limit]


@click.command(cls=ValuesCommand)
@click.option("--pool", "pools", multiple=True, help="semflow-cpu, semflow-gpu or semflow; by default by the devices")
@click.option("--devices", metavar="LIST", help="numbers of the GPUs to use, such as 0,1; by default all")
def command(pools: tuple[str, ...], devices: str | None) -> int:
    """Compute batches with this clone, until Ctrl-C: a Prefect worker for each GPU, or one for the processors.

    The server is the one that PREFECT_API_URL names. One batch at a time runs on each device; the processors are shared
    out evenly. `--pool semflow` serves the scheduled run itself, which plans and records, in the project's folder.
    """
    root = find_root(Path.cwd())
    workers = plan_workers(root, pools, find_devices(devices), sorted(_processors()))
    with open_client() as client:
        click.echo(f"{len(workers)} worker{'s' if len(workers) > 1 else ''} for {client.api_url}, in {root}")
    return _run_workers(workers, root)


def find_devices(asked: str | None) -> list[str]:
    """Numbers of the GPUs to use: those asked for, or all that are visible."""
    if asked is not None:
        found = [number.strip() for number in asked.split(",") if number.strip()]
        if not all(number.isdecimal() for number in found):
            raise SemflowError(f"--devices must be numbers of GPUs, such as 0,1, got {asked!r}")
        return found
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [number.strip() for number in visible.split(",") if number.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def plan_workers(
    root: Path, pools: Sequence[str], devices: Sequence[str], processors: Sequence[int]
) -> list[WorkerCommand]:
    """The workers to start: for each pool of GPUs one per device, for each other one; they share the processors.

    Raises SemflowError for an unknown pool, or for a pool of GPUs without a GPU.
    """
    known = [COORDINATOR_POOL, *POOLS.values()]
    for pool in pools:
        if pool not in known:
            raise SemflowError(f"--pool must be one of {', '.join(known)}, got {pool!r}")
    chosen = list(pools) or [POOLS["gpu"] if devices else POOLS["cpu"]]
    if POOLS["gpu"] in chosen and not devices:
        raise SemflowError(f"{POOLS['gpu']} must have a GPU on this machine, got none; name them with --devices")
    places = [(pool, device) for pool in chosen for device in (devices if pool == POOLS["gpu"] else [""])]
    computing = [place for place in places if place[0] != COORDINATOR_POOL]
    # Two clones on one machine are two agents; the name is the same after a restart.
    host = f"{socket.gethostname()}-{hashlib.sha256(str(root).encode()).hexdigest()[:6]}"
    common = {"SEMFLOW_ROOT": str(root), "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S)}
    common |= {"PREFECT_WORKER_QUERY_SECONDS": str(POLL_S)}
    workers: list[WorkerCommand] = []
    for pool, device in places:
        share = frozenset(processors)
        if (pool, device) in computing:
            place = computing.index((pool, device))
            share = frozenset(processors[place :: len(computing)]) or share
        hidden = {} if pool == COORDINATOR_POOL else {"CUDA_VISIBLE_DEVICES": device}
        name = "-".join(filter(None, (host, pool, device)))
        workers.append(WorkerCommand(name, pool, common | hidden, share))
    return workers


def _processors() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _run_workers(workers: Sequence[WorkerCommand], root: Path) -> int:
    """Run the workers until one ends or a signal comes; then end them all. The exit code is 0 after a signal."""
    ended_by: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: ended_by.append(received))
    processes = [_start(worker, root) for worker in workers]
    while not ended_by and all(process.poll() is None for process in processes):
        time.sleep(0.5)
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    until = time.monotonic() + GRACE_S
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
    if ended_by:
        return 0
    bad = next((process for process in processes if process.returncode), None)
    if bad is not None:
        raise SemflowError(f"a Prefect worker must run until it is stopped, got exit code {bad.returncode}; see above")
    return 0


def _start(worker: WorkerCommand, root: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(worker.words, cwd=root, env={**os.environ, **worker.environment}, start_new_session=True)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, worker.processors)
    return process
