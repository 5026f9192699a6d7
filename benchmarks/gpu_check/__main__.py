"""`python -m benchmarks.gpu_check`: see command.py."""

from __future__ import annotations

import sys

from benchmarks.gpu_check.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
