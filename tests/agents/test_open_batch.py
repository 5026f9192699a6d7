"""Whether a launched batch is still worked on, as the coordinator sees it between two looks at the exchange."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from flows.agents.claims import BEATS, STOPPED
from flows.agents.cut_batches import BatchPart
from flows.agents.document_store import FolderDocuments
from flows.agents.launcher import BatchRun
from flows.agents.open_batch import OpenBatch
from flows.agents.results import BatchEnd, BatchStart, ResultReader, write_end, write_start

LEASE_S = 20.0


@pytest.fixture
def documents(tmp_path: Path) -> FolderDocuments:
    return FolderDocuments(tmp_path)


@pytest.fixture
def batch(documents: FolderDocuments) -> OpenBatch:
    """Taken by one agent, which is at work."""
    write_start(documents, "b", BatchStart("agent", "holder"))
    documents.write_document(f"{BEATS}/holder", b"1")
    made = OpenBatch(BatchPart((), "cpu", 1.0), "run", ResultReader(documents, "b"), time.monotonic())
    made.reader.read_new()
    assert made.find_living(LEASE_S) == ["agent"]
    return made


def test_an_agent_that_ends_between_two_looks_is_not_taken_for_dead(
    batch: OpenBatch, documents: FolderDocuments
) -> None:
    write_end(documents, "b", BatchEnd("agent", "holder"))
    documents.write_document(f"{BEATS}/holder", STOPPED)
    assert batch.find_living(LEASE_S) == ["agent"], "the end was written after the results were read"
    batch.reader.read_new()
    assert batch.find_living(LEASE_S) == [] and list(batch.reader.ends) == ["holder"]


def test_an_agent_that_stops_without_an_end_is_named(batch: OpenBatch, documents: FolderDocuments) -> None:
    documents.write_document(f"{BEATS}/holder", STOPPED)
    assert batch.find_living(LEASE_S) == ["agent"]
    batch.reader.read_new()
    assert batch.find_living(LEASE_S) == []
    trouble = batch.find_trouble(BatchRun("running"), LEASE_S, 60.0)
    assert trouble == "its agent agent stopped without a word of how it ended"
