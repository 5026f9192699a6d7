"""Where the tests find the checkout, and ground truth where it is there."""

from __future__ import annotations

import logging
import os
from collections import Counter
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
SLOW = "mark.slow"
"""How a file that holds slow tests names their mark."""
LONGEST_FIRST = (
    "engine/test_mutations.py",
    "engine/test_many_kills.py",
    "flows/test_guides.py",
    "flows/test_end_to_end.py",
    "agents/test_server_faults.py",
    "flows/prefect_door/test_prefect_process.py",
    "flows/test_determinism.py",
    "agents/test_agent_kills.py",
    "agents/test_prefect_agents.py",
    "overview/test_dataset_card.py",
    "evaluate/test_two_stream.py",
    "flows/test_deployment.py",
    "flows/test_versions.py",
    "project_setup/test_installed.py",
    "engine/test_disk_full.py",
    "benchmarks/test_engine_benchmark.py",
)
"""Files that take longest, in this order: a processor has nothing to do while the last test runs on another."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files without a slow test out where those alone are asked for: importing all takes longer than many run."""
    is_asked = str(config.option.markexpr).startswith("slow")
    is_file = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if is_asked and is_file and SLOW not in collection_path.read_text(encoding="utf-8") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the files that take longest, then with those of most tests; within a file the order stays.

    With `--dist loadfile --no-loadscope-reorder` whoever is free takes the next file.
    """
    places = {CHECKOUT / "tests" / name: place for place, name in enumerate(LONGEST_FIRST)}
    counts = Counter(item.path for item in items)
    items.sort(key=lambda item: (places.get(item.path, len(places)), -counts[item.path]))


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
