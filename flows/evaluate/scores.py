"""What every suite of `semflow eval` gives: metrics per item and over all items together.

A suite is a module here with two functions:
`add_arguments(parser)` declares options beyond `--data` and `--json`, and
`evaluate(arguments, params) -> Scores` runs it, `params` being the checked sections of `params.yaml` by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Scores:
    """One suite's result; metric names are the field's own (HOTA, IDF1, MOTA, AP, AP50, EPE, Fl, J, top1, ...)."""

    suite: str
    items: Mapping[str, Mapping[str, float]]
    """Item (a sequence, an image pair, a clip) to its metrics."""
    combined: Mapping[str, float]
    """The same metrics over all items together, by the suite's own pooling."""

    def as_json(self) -> dict[str, Any]:
        """The one object that `--json` prints."""
        return asdict(self)
