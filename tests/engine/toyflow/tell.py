"""A folder of files, made of what other stages made of one video and of all."""

from __future__ import annotations

from toyflow.artifacts import Counts, Looks, Pages, Totals, note

from tasks.params import Params
from tasks.stage import stage


class TellParams(Params):
    times: int
    """How often to say it."""


@stage()
def tell(counts: Counts, totals: Totals, looks: Looks, params: TellParams) -> Pages:
    note("tell")
    return Pages((f"{counts.text} of {totals.text}", *[looks.text] * params.times))
