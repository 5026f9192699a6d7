"""`python -m benchmarks.engine`."""

from __future__ import annotations

import sys

from benchmarks.engine import main

main(sys.argv[1:])
