"""Remove the claims and beats that nothing reads any more; what is left would grow by a document a video and run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from flows.agents.claims import BEATS, FOLDER, STOPPED, read_holder
from flows.agents.document_store import DocumentStore

STOP_S = 5.0
"""Seconds in which a holder that has said that it has ended stops its beat, its last document."""


def remove_ended_claims(documents: DocumentStore, tokens: Iterable[str], dead: Collection[str] = ()) -> set[str]:
    """Remove the claims of the videos `tokens` that have ended, or whose holder has: its beat has stopped, or it is
    one of the `dead`; gives the holders of those that were removed.

    A claim that goes on stays, and one that is made meanwhile is not touched: only numbers that were listed go. The
    mark of the end goes first: left alone, it would end a later claim with this number. A dead holder that wakes up
    finds that its claim is gone, and drops what it has.
    """
    holders: set[str] = set()
    for token in tokens:
        names = {name.rpartition("/")[2] for name in documents.list_documents(f"{FOLDER}/{token}")}
        for number in sorted(int(name) for name in names if name.isdecimal()):
            holder = read_holder(documents, token, number)[1]
            is_marked = f"{number}.end" in names
            if is_marked or holder in dead or documents.read_document(f"{BEATS}/{holder}") == STOPPED:
                holders.add(holder)
                if is_marked:
                    documents.remove_document(f"{FOLDER}/{token}/{number}.end")
                documents.remove_document(f"{FOLDER}/{token}/{number}")
    return holders


def remove_ended_beats(
    documents: DocumentStore, holders: Iterable[str], dead: Collection[str], pause: Callable[[float], None]
) -> None:
    """Remove the beats of the `dead`, and those of `holders`, which end now, when they have stopped; waits for them up
    to STOP_S seconds."""
    for holder in dead:
        documents.remove_document(f"{BEATS}/{holder}")
    waiting = set(holders) - set(dead)
    for look in range(int(STOP_S)):
        for holder in list(waiting):
            beat = documents.read_document(f"{BEATS}/{holder}")
            if beat == STOPPED:
                documents.remove_document(f"{BEATS}/{holder}")
            if beat in (None, STOPPED):
                waiting.remove(holder)
        if not waiting:
            return
        if look + 1 < int(STOP_S):
            pause(1.0)
