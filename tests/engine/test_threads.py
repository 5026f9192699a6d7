from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.threads import count_threads


def test_a_process_uses_the_configured_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMFLOW_THREADS", "3")
    assert count_threads() == 3


@pytest.mark.parametrize("told", ["", "0", "-1", "many", "1.5"])
def test_by_default_it_uses_the_available_processors(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv("SEMFLOW_THREADS", told)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5})
    assert count_threads() == 3


def test_numpy_multiplies_matrices_on_one_thread_whatever_the_machine_has(checkout: Path) -> None:
    program = "import tasks, os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    environment = os.environ | {"SEMFLOW_THREADS": "4", "OPENBLAS_NUM_THREADS": "4"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=checkout, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"], "the last bits of a product depend on the number of threads"


def test_the_number_of_threads_applies_to_every_library(checkout: Path) -> None:
    program = (
        "import tasks, torch, cv2, os; from tasks.threads import LIBRARY_VARIABLES; "
        "print(torch.get_num_threads(), cv2.getNumThreads(), *[os.environ[name] for name in LIBRARY_VARIABLES])"
    )
    environment = os.environ | {"SEMFLOW_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=checkout, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"] * 4
