"""How many threads this process may use, for libraries whose results do not depend on it.

Items are computed in several processes side by side; SEMFLOW_THREADS tells each its share, so that together they do
not ask for more processors than there are. Where sums depend on the number of threads (torch on a CPU) one computes,
whatever this says.
"""

from __future__ import annotations

import os

THREADS_VARIABLE = "SEMFLOW_THREADS"
LIBRARY_VARIABLES = ("OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
"""What torch and MKL, and OpenCV read when they are loaded. NumPy and SciPy always have one thread (kernels.py)."""


def count_threads() -> int:
    """Threads that this process may use: SEMFLOW_THREADS where it is a whole number above 0, else its processors."""
    return _read_limit() or count_processors()


def count_processors() -> int:
    """Processors that this process may run on, which in a container may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads() -> None:
    """Tell the libraries too, where SEMFLOW_THREADS is set; must come before any of them is imported."""
    if limit := _read_limit():
        os.environ |= dict.fromkeys(LIBRARY_VARIABLES, str(limit))


def _read_limit() -> int | None:
    told = os.environ.get(THREADS_VARIABLE, "")
    return int(told) if told.isdecimal() and int(told) > 0 else None
