"""Remove the claims and beats that nothing reads any more; what is left would grow by a document a video and run."""

from __future__ import annotations

from collections.abc import Iterable

from flows.agents.claims import BEATS, FOLDER, STOPPED, read_holder
from flows.agents.document_store import DocumentStore


def remove_ended_claims(documents: DocumentStore, tokens: Iterable[str]) -> None:
    """Remove the ended claims of the videos `tokens`, and the beats of their holders that have stopped.

    A claim that goes on stays, and one that is made meanwhile is not touched: only numbers that were listed as ended
    go. The mark of the end goes first: left alone, it would end a later claim with this number.
    """
    holders: set[str] = set()
    for token in tokens:
        names = {name.rpartition("/")[2] for name in documents.list_documents(f"{FOLDER}/{token}")}
        for number in sorted(int(name) for name in names if name.isdecimal() and f"{name}.end" in names):
            holders.add(read_holder(documents, token, number)[1])
            documents.remove_document(f"{FOLDER}/{token}/{number}.end")
            documents.remove_document(f"{FOLDER}/{token}/{number}")
    remove_stopped_beats(documents, holders)


def remove_stopped_beats(documents: DocumentStore, holders: Iterable[str]) -> None:
    """Remove the beats of `holders` that have stopped."""
    for holder in holders:
        name = f"{BEATS}/{holder}"
        if documents.read_document(name) == STOPPED:
            documents.remove_document(name)
