"""Batches of coordinators that were killed: their agents may have handed in results, which are as good as any."""

from __future__ import annotations

from collections.abc import Callable

from flows.agents.batch import FOLDER as BATCHES
from flows.agents.claims import BEATS, STOPPED
from flows.agents.document_store import DocumentStore
from flows.agents.results import ResultReader


def coordinator_name(run: str) -> str:
    """The name of a coordinator's heartbeat."""
    return f"coordinator-{run}"


def find_leftovers(documents: DocumentStore, lease_s: float, pause: Callable[[float], None]) -> list[ResultReader]:
    """Readers of the batches whose coordinator has ended, or shows no sign of life for `lease_s` seconds.

    Waits only where there are batches of a coordinator that may live. An agent that still works on such a batch finds
    no batch when it claims, or hands in results that nobody reads; its claims keep others from its videos until then.
    """
    names = [name.rpartition("/")[2].removesuffix(".json") for name in documents.list_documents(BATCHES)]
    by_run: dict[str, list[str]] = {}
    for name in names:
        by_run.setdefault(name.rpartition("-")[0], []).append(name)
    beats = {run: documents.read_document(f"{BEATS}/{coordinator_name(run)}") for run in by_run}
    if any(beat not in (None, STOPPED) for beat in beats.values()):
        pause(lease_s)
    dead = [
        run
        for run, beat in beats.items()
        if beat in (None, STOPPED) or documents.read_document(f"{BEATS}/{coordinator_name(run)}") == beat
    ]
    return [ResultReader(documents, name) for run in dead for name in by_run[run]]
