"""What the index page says of the data set as a whole: figures, artifacts with their cost, models with their licences,
parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from flows.overview.dataset_facts import ArtifactFacts, DatasetFacts
from flows.overview.index_page import IndexItem
from tasks.report.formatting import DASH, format_duration, format_number
from tasks.weights.catalog import WEIGHTS

RATES_FILE = "stage_rates.json"
"""Seconds of processor time for a second of film by stage, as `python -m benchmarks.pipeline` measured them."""
BYTES_PER_MB, BYTES_PER_GB = 1e6, 1e9
UNKNOWN_LICENCE = "your own"
SHA256_DIGITS = 12


@dataclass(frozen=True)
class ArtifactRow:
    """A line of the table of artifacts, as text."""

    name: str
    stage: str
    coverage: str
    """Videos that have it, of all."""
    size: str
    time: str
    """Processor time to make it again; "" where an earlier line has that of the stage."""
    code: str


@dataclass(frozen=True)
class WeightsRow:
    """A line of the table of models, as text."""

    name: str
    stages: str
    licence: str
    origin: str
    sha256: str


@dataclass(frozen=True)
class CardSection:
    """The section, as text."""

    description: str
    credits: str
    figures: tuple[tuple[str, str], ...]
    """Name and value."""
    artifacts: tuple[ArtifactRow, ...]
    weights: tuple[WeightsRow, ...]
    libraries: str
    params: tuple[tuple[str, str], ...]
    """Stage and its parameters."""
    version: str


def make_card(facts: DatasetFacts, items: Sequence[IndexItem]) -> CardSection:
    """The section for the facts of the recipes and the entries of the videos."""
    seconds = sum(item.account.duration_s for item in items if item.account is not None)
    rates = read_rates()
    libraries = {name: version for stage in facts.stages for name, version in stage.libraries.items()}
    return CardSection(
        description=facts.notes.description,
        credits=_credit(facts),
        figures=tuple(_list_figures(facts, items, seconds, rates)),
        artifacts=tuple(_list_artifacts(facts, seconds, rates)),
        weights=tuple(_list_weights(facts)),
        libraries=", ".join(f"{name} {version}" for name, version in sorted(libraries.items())),
        params=tuple((stage.name, _write_params(stage.params)) for stage in facts.stages if stage.params),
        version=facts.sha256,
    )


def read_rates() -> dict[str, float]:
    """Stage to seconds of processor time for a second of film of 640 x 360 pixels at 30 frames per second."""
    text = resources.files("flows.overview").joinpath(RATES_FILE).read_text(encoding="utf-8")
    return json.loads(text)


def _list_figures(
    facts: DatasetFacts, items: Sequence[IndexItem], seconds: float, rates: Mapping[str, float]
) -> list[tuple[str, str]]:
    accounts = [item.account for item in items if item.account is not None]
    hurt = sum(account.damaged + account.lost for account in accounts)
    frames = sum(account.kept for account in accounts)
    classes = sorted({name for item in items for name in item.tracks})
    needed = sum(rates.get(stage.name, 0.0) for stage in facts.stages) * seconds
    return [
        ("films", format_number(facts.videos, 1)),
        ("length", format_duration(seconds)),
        ("frames", format_number(frames, 1)),
        ("damaged or lost", f"{100 * hurt / frames:.2g} %" if frames else DASH),
        ("people tracked", format_number(sum(item.tracks.get("person", 0) for item in items), 1)),
        ("classes of objects", format_number(len(classes), 1)),
        ("stored", _write_bytes(sum(one.size for one in facts.artifacts))),
        ("to compute again", format_duration(needed)),
    ]


def _list_artifacts(facts: DatasetFacts, seconds: float, rates: Mapping[str, float]) -> list[ArtifactRow]:
    codes = {stage.name: stage.code for stage in facts.stages}
    rows: list[ArtifactRow] = []
    for one in facts.artifacts:
        is_first = all(row.stage != one.stage for row in rows)
        needed = format_duration(rates.get(one.stage, 0.0) * seconds)
        rows.append(
            ArtifactRow(
                name=one.name,
                stage=one.stage,
                coverage=_write_coverage(one, facts.videos),
                size=_write_bytes(one.size) if one.is_kept else "not kept",
                time=needed if is_first and one.stage in rates else "",
                code=codes[one.stage],
            )
        )
    return rows


def _write_coverage(one: ArtifactFacts, videos: int) -> str:
    if one.files and not one.videos:
        return "all, one file"
    return f"{format_number(one.videos, 1)} of {format_number(videos, 1)}"


def _list_weights(facts: DatasetFacts) -> list[WeightsRow]:
    users: dict[tuple[str, str], list[str]] = {}
    for stage in facts.stages:
        for name, sha256 in stage.weights.items():
            users.setdefault((name, sha256), []).append(stage.name)
    rows: list[WeightsRow] = []
    for (name, sha256), stages in sorted(users.items()):
        asset = WEIGHTS.get(name)
        known = asset is not None and asset.sha256 == sha256
        licence, origin = (asset.licence, asset.origin) if asset is not None and known else (UNKNOWN_LICENCE, "")
        rows.append(WeightsRow(name, ", ".join(stages), licence, origin, sha256[:SHA256_DIGITS]))
    return rows


def _credit(facts: DatasetFacts) -> str:
    notes = facts.notes
    parts = [
        f"By {', '.join(notes.creators)}." if notes.creators else "",
        f"Version {notes.version}." if notes.version else "",
        f"Published {notes.date_published}." if notes.date_published else "",
        f"Licence of the data: {notes.license}." if notes.license else "No licence of the data is stated.",
    ]
    return " ".join(part for part in parts if part)


def _write_params(params: Mapping[str, object]) -> str:
    return ", ".join(f"{key}: {json.dumps(value)}" for key, value in params.items())


def _write_bytes(size: int) -> str:
    return f"{size / BYTES_PER_GB:.2f} GB" if size >= BYTES_PER_GB else f"{size / BYTES_PER_MB:.2f} MB"
