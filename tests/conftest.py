"""Where the tests find the checkout, and ground truth where it is there."""

from __future__ import annotations

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
def own_packages() -> Iterator[None]:
    """Packages that a test adds to the project's own code are not those of the tests after it: they change the keys."""
    before = set(source_code._added)
    yield
    source_code._added.clear()
    source_code._added.update(before)


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
