"""What the recipes say about the data set: its files with hashes and sizes, and how each stage made them.

Nothing is read but recipes, which the plan has in memory, and new files once for their SHA-256: files in the DVC remote
count as those on this machine do.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from flows.engine.declaration import ArtifactKind, Declaration
from flows.engine.measures import SUM, SUM_DIGITS, compute_ratios
from flows.engine.outcome import Item
from flows.engine.overview_files import REPORTS
from flows.engine.plan import UP_TO_DATE, Plan
from flows.engine.raw_input import parse_raw_input
from flows.overview.dataset_notes import DatasetNotes, read_notes
from flows.overview.file_hashes import find_sha256
from tasks.artifacts.artifact import DATASET_ITEM

DIGITS = 16
"""Of the hash that stands for the code of a stage."""


@dataclass(frozen=True)
class ArtifactFacts:
    """The files of one kind of artifact."""

    folder: str
    suffix: str
    stage: str
    is_kept: bool
    """Whether the files are kept, or deleted once they are read (`compute.recompute`)."""
    files: Mapping[str, tuple[str, int]]
    """Path relative to the project's root to MD5 and size in bytes."""
    videos: int
    """Videos that have one; 0 for an artifact of the whole data set."""

    @property
    def name(self) -> str:
        """The artifact's name, that of its folder."""
        return self.folder.rpartition("/")[2]

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(size for _, size in self.files.values()) if self.is_kept else 0


@dataclass(frozen=True)
class StageFacts:
    """How a stage makes its artifacts."""

    name: str
    code: str
    """Hash over the code that decides its results."""
    params: Mapping[str, Any]
    weights: Mapping[str, str]
    """Name to SHA-256."""
    libraries: Mapping[str, str]
    """Distribution to version."""
    measures: Mapping[str, float]
    """Sums over all videos, and the ratios that they give (measures.py)."""
    items: int
    """Results that the stage has: videos, or 1 where it is over the data set."""
    reads: tuple[str, ...]
    """Folders of its inputs."""
    writes: tuple[str, ...]


@dataclass(frozen=True)
class DatasetFacts:
    """Everything about the data set that does not depend on the machine."""

    notes: DatasetNotes
    artifacts: tuple[ArtifactFacts, ...]
    """Without the reports."""
    stages: tuple[StageFacts, ...]
    raw: Mapping[str, str]
    """Path of each raw video that was processed, below data/raw, to its MD5."""
    videos: int
    file_sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """MD5 of files that are kept to their SHA-256, of those that are known."""

    def count(self, name: str) -> float:
        """The measure `name` of the first stage that has it, such as the frames of all videos; 0 without one."""
        return next((stage.measures[name] for stage in self.stages if name in stage.measures), 0)

    @cached_property
    def files(self) -> dict[str, tuple[str, int]]:
        """All files that are kept."""
        return {path: file for one in self.artifacts if one.is_kept for path, file in one.files.items()}

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over a line `MD5  path` of each file, sorted by path: the version of the data."""
        lines = "".join(f"{md5}  {path}\n" for path, (md5, _) in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def collect_facts(plan: Plan) -> DatasetFacts:
    """The facts of the project of a plan; raises BadParams where dataset.yaml is not valid."""
    project = plan.project
    kinds = [(maker, kind) for maker in project.declarations for kind in maker.outputs if kind.folder != REPORTS]
    facts = DatasetFacts(
        notes=read_notes(project.root),
        artifacts=tuple(_describe_artifact(plan, maker, kind) for maker, kind in kinds),
        stages=tuple(_describe_stage(plan, declaration) for declaration in project.declarations),
        raw=_list_raw(plan),
        videos=len(project.videos),
    )
    return replace(facts, file_sha256=find_sha256(project, facts.files))


def _describe_artifact(plan: Plan, maker: Declaration, kind: ArtifactKind) -> ArtifactFacts:
    project = plan.project
    files: dict[str, tuple[str, int]] = {}
    videos = 0
    for video in project.list_owners(maker):
        state = plan.states[Item(video, maker.name)]
        found = state.outputs.get(kind.folder) if state.status in UP_TO_DATE else None
        if not found:
            continue
        videos += video != DATASET_ITEM
        stem = f"{kind.folder}/{project.artifact_stem(video, kind)}{kind.suffix}"
        files |= {f"{stem}/{name}" if name else stem: file for name, file in found.items()}
    return ArtifactFacts(kind.folder, kind.suffix, maker.name, maker.keeps_artifacts, files, videos)


def _describe_stage(plan: Plan, declaration: Declaration) -> StageFacts:
    project, method = plan.project, declaration.method
    stems = [project.artifact_stem(video) for video in project.list_owners(declaration)]
    found = [project.recipe_store.recipes.get((declaration.name, stem)) for stem in stems]
    recipes = [recipe for recipe in found if recipe is not None and recipe.error is None]
    sums: Counter[str] = Counter()
    for recipe in recipes:
        sums.update(recipe.measures or {})
    rounded = {name: round(value, SUM_DIGITS) for name, value in sorted(sums.items())}
    code = json.dumps(dict(method.code), sort_keys=True).encode()
    return StageFacts(
        name=declaration.name,
        code=hashlib.sha256(code).hexdigest()[:DIGITS],
        params=method.params,
        weights=method.weights,
        libraries=method.libraries,
        measures={name: value for name, value in rounded.items() if not name.endswith(SUM)} | compute_ratios(rounded),
        items=len(recipes),
        reads=tuple(dict.fromkeys(kind.folder or kind.user_path for kind in declaration.inputs.values())),
        writes=tuple(kind.folder for kind in declaration.outputs),
    )


def _list_raw(plan: Plan) -> dict[str, str]:
    found: dict[str, str] = {}
    for declaration in plan.project.declarations:
        for argument in (name for name, kind in declaration.inputs.items() if kind.is_raw):
            for video in plan.project.list_owners(declaration):
                recorded = parse_raw_input(plan.states[Item(video, declaration.name)].inputs.get(argument, ""))
                if recorded.relative:
                    found[recorded.relative] = recorded.md5
    return dict(sorted(found.items()))
