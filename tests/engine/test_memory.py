"""Memory of the machine and of a process, as the kernel tells them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from flows.engine import memory


def test_the_limit_of_a_container_holds_where_it_is_less_than_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit, unlimited = tmp_path / "limit", tmp_path / "unlimited"
    limit.write_text("4096000\n")
    unlimited.write_text("max\n")
    for paths, expected in (
        ((str(limit),), 4_096_000),
        ((str(unlimited), str(limit)), 4_096_000),
        ((str(unlimited),), machine),
        ((str(tmp_path / "absent"),), machine),
    ):
        monkeypatch.setattr(memory, "LIMITS", paths)
        assert memory.total_bytes() == expected


def test_the_resident_memory_of_this_process_is_what_it_uses_and_that_of_no_process_is_nothing() -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert 0 < memory.resident_bytes(os.getpid()) <= peak * 1.1
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert memory.resident_bytes(gone.pid) == 0
