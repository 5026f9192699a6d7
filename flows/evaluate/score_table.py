"""Scores of an evaluation suite: metrics per item and over all items together.

A suite is a module here with a function and a command:
`evaluate(arguments, params) -> Scores` runs it, `arguments` being the values of its options and `params` the checked
sections of `params.yaml`; `command` declares the options (flows/cli/command_options.py) and shows the scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

TableRow = Mapping[str, str | float]


@dataclass(frozen=True)
class SuiteScores:
    """The result of one suite; metric names are the field's own (HOTA, IDF1, MOTA, AP, AP50, EPE, Fl, J, top1, ...)."""

    suite: str
    items: Mapping[str, Mapping[str, float]]
    """Item (a sequence, an image pair, a clip) to its metrics."""
    combined: Mapping[str, float]
    """The same metrics over all items together, by the suite's own pooling."""
    tables: Mapping[str, Sequence[TableRow]] = field(default_factory=dict[str, Sequence[TableRow]])
    """Further tables by title, such as a confusion matrix: rows of text and numbers."""

    def as_json(self) -> dict[str, Any]:
        """The JSON object that `--json` prints; `tables` only where there are any."""
        return {name: value for name, value in asdict(self).items() if name != "tables" or value}
