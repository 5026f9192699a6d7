"""Loading a model once per process, and computing on one thread where sums depend on the number of threads."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def load_once(load: Callable[P, T]) -> Callable[P, T]:
    """`load` with its results kept for the life of the process, by hashable arguments; never called twice at once.

    `functools.cache` alone would let two threads load the same model side by side.
    """
    lock = threading.Lock()
    cached = functools.cache(load)

    @functools.wraps(load)
    def locked(*args: P.args, **kwargs: P.kwargs) -> T:
        with lock:
            return cached(*args, **kwargs)

    return locked


def make_torch_pool(workers: int = 1) -> ThreadPoolExecutor:
    """A pool whose threads each compute with one torch thread: torch's sums on a CPU depend on their number."""
    import torch

    return ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
