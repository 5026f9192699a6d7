"""A command run as a user runs it, and what the whole process took."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
COMPILED = str(Path(tempfile.gettempdir()) / "semflow-bench-compiled")
"""Where compiled code of all that is imported is kept; the packages may lie where nobody may write."""
POLL_S = 0.01
"""How often the memory of a process is looked at while it runs."""


@dataclass(frozen=True)
class Took:
    """What a process and those that it started took."""

    wall_s: float
    cpu_s: float
    """User and system time, of processes that it waited for too: it changes less on a machine with other work."""
    peak_bytes: int
    """Resident memory of the process itself at most; 0 where the kernel does not tell."""


class CommandFailed(Exception):
    """A measured command did not do its work, so that its time means nothing."""


def run_process(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Took:
    """Run `command` in `folder` to its end; raises CommandFailed with its last words where it fails."""
    log = folder / ".benchmark.log"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with log.open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**clean_environment(), **(environment or {})}, stdout=output, stderr=output
        )
        peak = 0
        try:
            while process.poll() is None:
                peak = max(peak, _peak_bytes(process.pid))
                time.sleep(POLL_S)
        finally:
            if process.poll() is None:  # the benchmark was interrupted
                process.terminate()
                process.wait()
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode:
            output.seek(0)
            words = output.read().strip().splitlines()[-5:]
            raise CommandFailed(f"{' '.join(command)} must end well, got exit code {process.returncode}: {words}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(wall, cpu, peak)


def clean_environment() -> dict[str, str]:
    """This process's, with compiled code kept, as it is where packages are installed and used in the ordinary way."""
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"PYTHONPYCACHEPREFIX": COMPILED, **found}


def run_semflow(arguments: Sequence[str], root: Path, pipeline: str, samples: Path) -> Took:
    """Run `semflow` on the project at `root` with the stages that `pipeline` names."""
    environment = {
        "PYTHONPATH": str(CHECKOUT),
        "SEMFLOW_PIPELINE": pipeline,
        "SEMFLOW_SAMPLES": str(samples),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    return run_process([sys.executable, "-m", "flows.cli.main", *arguments], root, environment)


def best(runs: Sequence[Took]) -> Took:
    """The smallest of each figure: anything more was the machine being busy."""
    return Took(min(run.wall_s for run in runs), min(run.cpu_s for run in runs), min(run.peak_bytes for run in runs))


def _peak_bytes(pid: int) -> int:
    """`VmHWM` of proc(5)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
