"""What the engine costs beside the work that it manages: `python -m benchmarks.engine` (see command.py)."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] = ()) -> None:
    """Run the benchmark; imported late, for workers import this package to get at its stages."""
    from benchmarks.engine.command import main as run

    run(argv)
