"""The 400 actions of Kinetics (Kay et al., 2017), in the order of the classifiers trained on them: alphabetical."""

from __future__ import annotations

from functools import cache
from pathlib import Path

KINETICS_400 = "kinetics-400"
"""Name of this vocabulary in tables."""
FILE = Path(__file__).with_name("kinetics400.txt")


@cache
def load_kinetics_labels() -> tuple[str, ...]:
    """The names, by class number."""
    return tuple(FILE.read_text(encoding="utf-8").splitlines())
