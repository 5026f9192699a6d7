"""`semflow verify`: read every byte and report what differs from the record; `--recompute` recomputes some items.

Nothing is repaired or removed; each problem is reported with what to do, and the next plan takes it into account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand
from flows.cli.display import show_progress
from flows.cli.text_formatting import format_size
from flows.engine.interrupt import SignalState
from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.project_lock import hold_project
from flows.engine.run import restore_planned
from flows.maintenance.recompute import RecomputedItem, is_recomputable, parse_amount, recompute_items, sample_items
from flows.maintenance.terminal_dialog import open_project, print_answer, resolve_videos
from flows.maintenance.verify_hashes import IntegrityReport, verify_hashes
from tasks.errors import SemflowError

TOLERANCE = 1e-3
"""Relative difference by column; half precision on a GPU compared with single precision on a CPU stays below it."""
MAX_LINES = 100


@click.command(cls=ValuesCommand)
@click.argument("videos", nargs=-1, metavar="[VIDEO]...")
@click.option("--stage", "stages", multiple=True, metavar="STAGE", help="only this stage; may be given several times")
@click.option("--cache", is_flag=True, help="verify also the objects of the recorded version in DVC's cache")
@click.option(
    "--recompute", metavar="5%|N", help="recompute a share or a number of items in a temporary folder, and compare"
)
@click.option("--seed", default="", help="any text; changes which items are recomputed")
@click.option(
    "--tolerance",
    type=float,
    default=TOLERANCE,
    show_default=True,
    metavar="X",
    help="largest relative difference of numbers that counts as equal",
)
@JSON_OPTION
def command(
    *,
    videos: tuple[str, ...],
    stages: tuple[str, ...],
    cache: bool,
    recompute: str | None,
    seed: str,
    tolerance: float,
    as_json: bool,
) -> int:
    """Read every byte of the artifacts and report what differs from the record; repairs nothing.

    VIDEO limits it to some videos. The exit code is 0 only where nothing is wrong.
    """
    amount = None if recompute is None else parse_amount(recompute)
    project = open_project(asks=True)
    try:
        with hold_project(project), show_progress():
            found = verify_dataset(
                project,
                resolve_videos(project, videos) or None,
                stages or None,
                cache=cache,
                amount=amount,
                seed=seed,
                tolerance=tolerance,
            )
    finally:
        project.close()
    print_answer(found, _lines(found), as_json=as_json)
    return 0 if found["good"] else 1


def verify_dataset(
    project: Project,
    videos: Sequence[str] | None = None,
    stages: Sequence[str] | None = None,
    *,
    cache: bool = False,
    amount: float | int | None = None,
    seed: str = "",
    tolerance: float = TOLERANCE,
) -> dict[str, Any]:
    """Everything that the command prints, as JSON values."""
    names = [declaration.name for declaration in project.declarations]
    for stage in stages or ():
        if stage not in names:
            raise SemflowError(f"--stage must be one of {', '.join(names)}, got {stage!r}")
    plan = Plan.examine_project(project)
    chosen = set(project.videos if videos is None else videos)
    checked = verify_hashes(plan, chosen, stages or names, cache=cache, raw=not stages)
    again: list[RecomputedItem] = []
    skipped = 0
    if amount is not None:
        damaged = {finding.item for finding in checked.findings if finding.item is not None}
        mine = [
            item for item in plan.states if item.stage in (stages or names) and (item.video in chosen or videos is None)
        ]
        able = [item for item in mine if is_recomputable(plan, item, damaged)]
        skipped = len(mine) - len(able)
        sample = sample_items(plan, able, amount, seed)
        read = {source: None for item in sample for source in plan.find_sources(item)}
        restore_planned(plan, [s for s in read if plan.states[s].status == "dropped"], (), SignalState())
        again = list(recompute_items(plan, sample, tolerance))
    return _as_json(checked, again, skipped)


def _as_json(checked: IntegrityReport, again: list[RecomputedItem], skipped: int) -> dict[str, Any]:
    different = [found for found in again if found.difference.verdict == "different"]
    return {
        "groups": {name: asdict(counts) for name, counts in checked.counts.items()},
        "findings": [
            {"group": found.group, "path": found.path, "what": found.what, "do": found.remedy}
            for found in checked.findings
        ],
        "recomputed": [
            {
                "video": found.item.video,
                "stage": found.item.stage,
                "made_on": found.made_on,
                "again_on": found.again_on,
                "seconds": found.seconds,
                **found.difference._asdict(),
            }
            for found in again
        ],
        "not_recomputable": skipped,
        "good": not checked.findings and not different,
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    rows: list[Sequence[str]] = [("", "as recorded", "wrong", "not here", "read")]
    for name, counts in found["groups"].items():
        numbers = (f"{counts[part]:,}" for part in ("good", "bad", "absent"))
        rows.append((name, *numbers, format_size(counts["bytes"])))
    yield from _table(rows)
    for finding in found["findings"][:MAX_LINES]:
        yield f"{finding['path']} {finding['what']}; {finding['do']}"
    if more := len(found["findings"]) - MAX_LINES:
        yield from ([f"and {more:,} more; --json names each"] if more > 0 else [])
    yield from _again_lines(found["recomputed"])
    if found["not_recomputable"]:
        yield f"{found['not_recomputable']:,} items could not be recomputed: they are not fresh, or an input is missing"
    yield "nothing is wrong" if found["good"] else f"{_count_wrong(found):,} things are wrong; nothing was repaired"


def _count_wrong(found: dict[str, Any]) -> int:
    return len(found["findings"]) + sum(one["verdict"] == "different" for one in found["recomputed"])


def _again_lines(again: list[dict[str, Any]]) -> Iterator[str]:
    """A table with a row per stage and devices, then a line per different item."""
    if not again:
        return
    groups: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for one in again:
        devices = one["made_on"] or "any device"
        if one["again_on"] != one["made_on"]:
            devices = f"{devices} -> {one['again_on'] or 'any device'}"
        groups[one["stage"], devices].append(one)
    rows: list[Sequence[str]] = [
        ("recomputed", "device", "equal", "within tolerance", "different", "largest difference", "relative")
    ]
    for (stage, devices), mine in groups.items():
        counts = (sum(one["verdict"] == verdict for one in mine) for verdict in ("equal", "near", "different"))
        gaps = (max(one[name] for one in mine) for name in ("absolute", "relative"))
        rows.append((stage, devices, *(f"{count:,}" for count in counts), *(f"{gap:.2g}" for gap in gaps)))
    yield from _table(rows)
    for one in again:
        if one["verdict"] == "different":
            yield f"{one['stage']} {one['video']} comes out different: {one['words']}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()
