"""Calls that may fail while a server or a store does not answer, and that are made again later."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flows.agents.document_store import DocumentStore
from flows.engine.dvc_store.remote import NoAnswer
from tasks.errors import SemflowError

T = TypeVar("T")
log = logging.getLogger("semflow")
RETRY_S = (1.0, 5.0, 20.0, 60.0, 60.0)
"""Seconds between tries while the store does not answer."""
LOST_ERRNOS = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTDOWN, errno.ENOTCONN)
"""Of a network file system that does not answer."""


def try_call(call: Callable[[], T]) -> T | None:
    """What `call` gives; None, with a warning in the log, where the server or the store does not answer now."""
    try:
        return call()
    except (OSError, SemflowError) as error:
        log.warning("asking again: %s", error)
        return None


def call_patiently(
    call: Callable[[], T], pauses_s: Sequence[float] = RETRY_S, sleep: Callable[[float], None] = time.sleep
) -> T:
    """What `call` gives; where the store does not answer, it is made again after each of `pauses_s`, then its error is
    raised. Other errors are raised at once."""
    for pause_s in pauses_s:
        try:
            return call()
        except (OSError, NoAnswer) as error:
            if isinstance(error, OSError) and error.errno not in LOST_ERRNOS:
                raise
            log.warning("asking again in %.0f s: %s", pause_s, error)
            sleep(pause_s)
    return call()


@dataclass(frozen=True)
class PatientDocuments:
    """Shared documents that are asked for again while the store does not answer."""

    documents: DocumentStore
    pauses_s: Sequence[float] = RETRY_S

    def read_document(self, name: str) -> bytes | None:
        """See DocumentStore."""
        return call_patiently(lambda: self.documents.read_document(name), self.pauses_s)

    def write_document(self, name: str, data: bytes) -> None:
        """See DocumentStore."""
        call_patiently(lambda: self.documents.write_document(name, data), self.pauses_s)

    def create_document(self, name: str, data: bytes) -> bool:
        """See DocumentStore."""
        return call_patiently(lambda: self.documents.create_document(name, data), self.pauses_s)

    def list_documents(self, folder: str) -> list[str]:
        """See DocumentStore."""
        return call_patiently(lambda: self.documents.list_documents(folder), self.pauses_s)

    def remove_documents(self, folder: str) -> None:
        """See DocumentStore."""
        call_patiently(lambda: self.documents.remove_documents(folder), self.pauses_s)

    def remove_document(self, name: str) -> None:
        """See DocumentStore."""
        call_patiently(lambda: self.documents.remove_document(name), self.pauses_s)
