"""Calls that may fail while a server or a store does not answer, and that are made again later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from tasks.errors import SemflowError

T = TypeVar("T")
log = logging.getLogger("semflow")


def try_call(call: Callable[[], T]) -> T | None:
    """What `call` gives; None, with a warning in the log, where the server or the store does not answer now."""
    try:
        return call()
    except (OSError, SemflowError) as error:
        log.warning("asking again: %s", error)
        return None
