"""The decode report of a film from those of its takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.artifacts.decode_report import DecodeReport

MAX_RATE_DEVIATION = 0.001  # share by which frame rates of takes may differ and still be one rate


def join_reports(name: str, reports: Sequence[DecodeReport], kept: int, notes: tuple[str, ...]) -> DecodeReport:
    """The report of a film of one or more takes, with the rows that were `kept` and further `notes`.

    Of several takes the counts are added up, the properties of the file are those of the first, and every note names
    its take. `name`: the film's, where it has several.
    """
    first = reports[0]
    if len(reports) == 1:
        return replace(first, kept=kept, notes=(*first.notes, *notes))
    expected, duration_s = sum(one.expected for one in reports), sum(one.duration_s for one in reports)
    rates = [one.fps for one in reports]
    taken = f"{len(reports)} takes one after another: {', '.join(one.file for one in reports)}"
    return replace(
        first,
        file=name,
        fps=expected / duration_s,
        vfr=any(one.vfr for one in reports) or max(rates) - min(rates) > MAX_RATE_DEVIATION * max(rates),
        duration_s=duration_s,
        expected=expected,
        decoded=sum(one.decoded for one in reports),
        damaged=sum(one.damaged for one in reports),
        lost=sum(one.lost for one in reports),
        kept=kept,
        notes=(taken, *(f"{one.file}: {note}" for one in reports for note in one.notes), *notes),
    )
