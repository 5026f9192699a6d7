"""Compare two versions of a data set: what was changed, and what that did to the data.

Listings are compared first: a recipe with the same hash on both sides is not read, nor is what it made. Of items that
differ, recipes are read; of tables that differ, the columns that are compared. Tensors and images are never read: their
recipes say how large they are and what was measured of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.engine.measures import SUM, compute_ratios
from flows.engine.metrics_file import METRICS_FOLDER
from flows.engine.recipe import Method, Recipe, compare_methods
from flows.reading.artifact_kinds import KINDS
from flows.versions.identity_match import BoxRows, IdentityChange, match_identities
from flows.versions.lineage import DATASET_STEM
from flows.versions.recorded_version import RecordedVersion, list_contents
from flows.versions.suite_figures import read_suite_figures
from flows.versions.table_change import TableChange, compare_tables
from tasks.errors import SemflowError

COMPARED = ("detections", "masks", "matches", "tracks", "poses", "kinematics", "actions")
"""Tables whose rows are compared; the others hold a row for each frame or pair."""
TRACKS = "tracks"
Pair = tuple[Any, Any]
"""A value before and after; None where there is none."""


@dataclass(frozen=True)
class VideoChange:
    """What differs for one video."""

    video: str
    score: float
    """The largest share of its tables or identities that changed, 0..1; by this videos are ordered."""
    artifacts: tuple[str, ...]
    """Artifacts whose bytes differ."""
    measures: Mapping[str, Pair]
    """`<stage>.<measure>` to its values, of those that differ."""
    tables: tuple[TableChange, ...] = ()
    identities: IdentityChange | None = None
    faults: Mapping[str, Pair] = field(default_factory=dict[str, Pair])
    """Stage to the error of its item, where it differs."""
    notes: tuple[str, ...] = ()
    """What could not be compared, and why."""


@dataclass(frozen=True)
class VersionDiff:
    """How two versions differ."""

    before: str
    after: str
    params: Mapping[str, Pair]
    """`<section>.<key>` to its values, of those that differ."""
    methods: Mapping[str, tuple[str, ...]]
    """Stage to what differs in code, weights, libraries and device, a sentence each."""
    added: tuple[str, ...]
    gone: tuple[str, ...]
    """Videos."""
    metrics: Mapping[str, Pair]
    """`<stage>.<metric>` over all videos, of those that differ."""
    suites: Mapping[str, Pair]
    """`<suite>.<figure>` of saved evaluation suites, of those that differ."""
    videos: tuple[VideoChange, ...]
    """Videos of both versions whose data differ, worst first."""
    same_videos: int
    """Videos of both versions whose artifacts are the same bytes."""
    dataset: VideoChange | None = None
    """What differs in the artifacts of the whole data set."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        changes = (self.params, self.methods, self.added, self.gone, self.metrics, self.suites, self.videos)
        return not any(changes) and self.dataset is None


def compare_versions(before: RecordedVersion, after: RecordedVersion) -> VersionDiff:
    """How `after` differs from `before`; raises SemflowError where a listing or recipe of either cannot be had."""
    stages = list(dict.fromkeys([*before.stages, *after.stages]))
    listed = [{stage: version.list_recipes(stage) for stage in stages} for version in (before, after)]
    changed: dict[str, dict[str, tuple[Recipe | None, Recipe | None]]] = {}
    for stage in stages:
        one, other = listed[0][stage], listed[1][stage]
        stems = [stem for stem in {*one, *other} if one.get(stem) != other.get(stem)]
        sides = [version.read_recipes(stage, stems) for version in (before, after)]
        for stem in stems:
            changed.setdefault(stem, {})[stage] = (sides[0].get(stem), sides[1].get(stem))
    videos = [{stem for stems in side.values() for stem in stems if stem != DATASET_STEM} for side in listed]
    both = videos[0] & videos[1]
    found = [_compare_video(before, after, video, changed[video]) for video in sorted(both & changed.keys())]
    found = [one for one in found if one.artifacts or one.faults]
    dataset = _compare_video(before, after, DATASET_STEM, changed[DATASET_STEM]) if DATASET_STEM in changed else None
    return VersionDiff(
        before=before.title,
        after=after.title,
        params=_compare_values(_flatten(before.params), _flatten(after.params)),
        methods={stage: words for stage in stages if (words := _compare_stage(before, after, stage, changed))},
        added=tuple(sorted(videos[1] - videos[0])),
        gone=tuple(sorted(videos[0] - videos[1])),
        metrics=_compare_values(_read_metrics(before, stages), _read_metrics(after, stages)),
        suites=_compare_values(read_suite_figures(before), read_suite_figures(after)),
        videos=tuple(sorted(found, key=lambda one: (-one.score, one.video))),
        same_videos=len(both) - len(found),
        dataset=dataset if dataset is not None and (dataset.artifacts or dataset.faults) else None,
    )


def _flatten(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{section}.{key}": value
        for section, values in params.items()
        if isinstance(values, dict)
        for key, value in values.items()
    }


def _compare_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Pair]:
    names = dict.fromkeys([*before, *after])
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _read_metrics(version: RecordedVersion, stages: Iterable[str]) -> dict[str, Any]:
    """The metrics of all stages that a version has, `<stage>.<metric>` each."""
    found: dict[str, Any] = {}
    for stage in stages:
        text = version.read_text(f"{METRICS_FOLDER}/{stage}.json")
        try:
            values: Any = json.loads(text or "{}").get(stage, {})
        except (ValueError, AttributeError):
            continue  # edited, or with conflicts: the next run writes it
        found |= {f"{stage}.{name}": value for name, value in values.items()}
    return found


def _compare_stage(
    before: RecordedVersion,
    after: RecordedVersion,
    stage: str,
    changed: Mapping[str, Mapping[str, tuple[Recipe | None, Recipe | None]]],
) -> tuple[str, ...]:
    """The differences of the methods of the items that changed, but for parameters, which are compared as a whole."""
    pairs = Counter(
        (one.method, other.method)
        for sides in changed.values()
        for one, other in [sides.get(stage, (None, None))]
        if one is not None and other is not None and one.method != other.method
    )
    found: dict[str, None] = {}
    for old, new in sorted(pairs):
        methods = (before.read_methods(stage, [old]).get(old), after.read_methods(stage, [new]).get(new))
        found |= dict.fromkeys(_explain_methods(*methods))
    return tuple(found)


def _explain_methods(old: Method | None, new: Method | None) -> list[str]:
    if old is None or new is None:
        return ["its method is not recorded"]
    words = compare_methods(old, new, lambda module, *_: f"{module} changed")
    return [word for word in words if not word.startswith("parameter ")]


def _compare_video(
    before: RecordedVersion,
    after: RecordedVersion,
    video: str,
    sides: Mapping[str, tuple[Recipe | None, Recipe | None]],
) -> VideoChange:
    artifacts: list[str] = []
    measures: dict[str, Pair] = {}
    faults: dict[str, Pair] = {}
    tables: list[TableChange] = []
    identities: IdentityChange | None = None
    notes: list[str] = []
    for stage, (one, other) in sides.items():
        contents = [{} if recipe is None else list_contents(recipe) for recipe in (one, other)]
        folders = [
            folder for folder in {**contents[0], **contents[1]} if contents[0].get(folder) != contents[1].get(folder)
        ]
        names = [folder.rpartition("/")[2] for folder in folders]
        artifacts += names
        errors = tuple(None if recipe is None else recipe.error for recipe in (one, other))
        if errors[0] != errors[1]:
            faults[stage] = (errors[0], errors[1])
        if names:
            values = _compare_values(_list_measures(one), _list_measures(other))
            measures |= {f"{stage}.{name}": pair for name, pair in values.items()}
        for folder, name in zip(folders, names, strict=True):
            if name not in COMPARED or folder not in contents[0] or folder not in contents[1]:
                continue
            try:
                paths = [version.source.locate(KINDS[name], [video])[video] for version in (before, after)]
                tables.append(compare_tables(name, paths[0], paths[1]))
                if name == TRACKS:
                    identities = match_identities(BoxRows.load(paths[0]), BoxRows.load(paths[1]))
            except (SemflowError, OSError, ValueError, KeyError) as error:
                notes.append(f"{name} was not compared: {error}")
    shares = [table.changed_share for table in tables] + ([] if identities is None else [identities.changed_share])
    score = 1.0 if faults else max(shares, default=0.0)
    return VideoChange(
        video, round(score, 4), tuple(artifacts), measures, tuple(tables), identities, faults, tuple(notes)
    )


def _list_measures(recipe: Recipe | None) -> dict[str, Any]:
    if recipe is None:
        return {}
    size = sum(size for files in recipe.outputs.values() for _, size in files.values())
    measures = recipe.measures or {}
    shown = {name: value for name, value in measures.items() if not name.endswith(SUM)}
    return {"bytes": size, **shown, **compute_ratios(measures)}


def list_identity_groups(change: IdentityChange) -> Iterator[tuple[str, str]]:
    """(what happened, the identities before and after) of identities that are not kept, as words."""
    for name, groups in (("split", change.split), ("merged", change.merged), ("mixed", change.mixed)):
        for one, other in groups:
            yield name, f"{', '.join(map(str, one))} -> {', '.join(map(str, other))}"
    for name, numbers in (("gone", change.gone), ("new", change.new)):
        if numbers:
            yield name, ", ".join(map(str, numbers))
