"""Where the tests find the checkout, and ground truth where it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("semflow", deadline=None, derandomize=True)  # a test asserts no time, and repeats exactly
settings.load_profile("semflow")

# With a test process per core, threads of OpenMP that spin while they wait take the core from the others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

CHECKOUT = Path(__file__).parents[1]


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
