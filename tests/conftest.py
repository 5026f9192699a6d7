"""Where the tests find the checkout, and ground truth where it is there."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tasks import source_code

settings.register_profile("semflow", deadline=None, derandomize=True)  # a test asserts no time, and repeats exactly
settings.load_profile("semflow")

# With a test process per core, threads of OpenMP that spin while they wait take the core from the others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

CHECKOUT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def process_state() -> Iterator[None]:
    """Undo what a test changes for its whole process: the packages that are the project's own, which change the keys,
    and the level of the log, which `--json` raises."""
    packages, logger = set(source_code._added), logging.getLogger("semflow")
    level, propagate, handlers = logger.level, logger.propagate, list(logger.handlers)
    yield
    source_code._added.clear()
    source_code._added.update(packages)
    logger.setLevel(level)
    logger.propagate, logger.handlers[:] = propagate, handlers


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the code under test."""
    return CHECKOUT


@pytest.fixture(scope="session")
def ground_truth() -> Path:
    """The folder with measured data beside the checkout; tests that need it skip where it is absent."""
    folder = CHECKOUT.parent / "shared" / "eval"
    if not folder.is_dir():
        pytest.skip("needs ../shared/eval: real data with ground truth, which is not part of the project")
    return folder
