"""A stage over the whole dataset."""

from __future__ import annotations

from toyflow.artifacts import Counts, Totals, note

from tasks.artifacts.artifact import Dataset
from tasks.params import Params
from tasks.stage import stage


class CollectParams(Params):
    separator: str
    """Between the counts."""


@stage()
def collect(counts: Dataset[Counts], params: CollectParams) -> Totals:
    note("collect")
    return Totals(params.separator.join(count.text for _, count in counts.items()))
