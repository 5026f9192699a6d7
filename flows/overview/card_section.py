"""What the index page says of the data set as a whole: figures, artifacts with their cost, models with their licences,
parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.engine.default_costs import COSTS
from flows.engine.measures import RATIOS
from flows.overview.dataset_facts import ArtifactFacts, DatasetFacts, StageFacts
from flows.overview.index_page import IndexItem
from flows.overview.weight_licences import find_licence
from tasks.report.formatting import format_duration, format_number

BYTES_PER_MB, BYTES_PER_GB = 1e6, 1e9
SHA256_DIGITS = 12


@dataclass(frozen=True)
class ArtifactRow:
    """A line of the table of artifacts, as text."""

    name: str
    stage: str
    coverage: str
    """Videos that have it, of all."""
    measures: str
    """Ratios over all videos, such as the share of frames with a track; "" where an earlier line has them."""
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
    libraries = {name: version for stage in facts.stages for name, version in stage.libraries.items()}
    return CardSection(
        description=facts.notes.description,
        credits=_credit(facts),
        figures=tuple(_list_figures(facts, items)),
        artifacts=tuple(_list_artifacts(facts)),
        weights=tuple(_list_weights(facts)),
        libraries=", ".join(f"{name} {version}" for name, version in sorted(libraries.items())),
        params=tuple((stage.name, _write_params(stage.params)) for stage in facts.stages if stage.params),
        version=facts.sha256,
    )


def estimate_seconds(stage: StageFacts, frames: float) -> float | None:
    """Processor time to compute a stage again, for all `frames` of the data set; None where its cost is unknown."""
    cost = COSTS.get(stage.name)
    return None if cost is None else cost.seconds_per_frame * frames + cost.seconds_per_item * stage.items


def _list_figures(facts: DatasetFacts, items: Sequence[IndexItem]) -> list[tuple[str, str]]:
    # Recipes of older versions have no measures: the entries of the videos say the same then.
    accounts = [item.account for item in items if item.account is not None]
    frames = facts.count("frames") or sum(account.kept for account in accounts)
    seconds = facts.count("film_s") or sum(account.duration_s for account in accounts)
    hurt = facts.count("damaged_frames") + facts.count("lost_frames")
    classes = {name for item in items for name in item.tracks}
    needed = sum(estimate_seconds(stage, frames) or 0.0 for stage in facts.stages)
    return [
        ("films", format_number(facts.videos, 1)),
        ("length", format_duration(seconds)),
        ("frames", format_number(frames, 1)),
        *([("frames damaged or lost", f"{100 * hurt / frames:.2g} %")] if hurt and frames else []),
        ("tracks of people", format_number(sum(item.tracks.get("person", 0) for item in items), 1)),
        ("classes of objects", format_number(len(classes), 1)),
        ("stored", _write_bytes(sum(one.size for one in facts.artifacts))),
        ("to compute again", format_duration(needed)),
    ]


def _list_artifacts(facts: DatasetFacts) -> list[ArtifactRow]:
    frames = facts.count("frames")
    stages = {stage.name: stage for stage in facts.stages}
    rows: list[ArtifactRow] = []
    for one in facts.artifacts:
        is_first = all(row.stage != one.stage for row in rows)
        stage = stages[one.stage]
        needed = estimate_seconds(stage, frames) if is_first else None
        rows.append(
            ArtifactRow(
                name=one.name,
                stage=one.stage,
                coverage=_write_coverage(one, facts.videos),
                measures=_write_measures(stage) if is_first else "",
                size=_write_bytes(one.size) if one.is_kept else "not kept",
                time="" if needed is None else format_duration(needed),
                code=stage.code,
            )
        )
    return rows


def _write_measures(stage: StageFacts) -> str:
    """The ratios of a stage, such as the share of frames with a track."""
    found = [f"{name.replace('_', ' ')} {stage.measures[name]:.3g}" for name in RATIOS if name in stage.measures]
    return ", ".join(found)


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
        licence, origin = find_licence(name, sha256)
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
