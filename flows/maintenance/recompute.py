"""Recompute items in a temporary folder and compare them with the recorded artifacts.

Tests on this machine that the same inputs give the same bytes, as recipes assume. Nothing in data/ is changed.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import tempfile
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.engine.atomic_files import remove_path
from flows.engine.compute_items import count_workers
from flows.engine.inline_workers import make_inline_workers
from flows.engine.item_jobs import checkpoint_folder, list_input_paths
from flows.engine.job import Job, JobResult, WorkerSetup
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.project import PARAMS_FILE, STATE, Project
from flows.engine.worker_pool import GB, WorkerPool
from flows.engine.workers import JobEnded, WorkerDied, Workers
from flows.maintenance.compare_artifacts import EQUAL, Difference, compare_files
from tasks.errors import SemflowError
from tasks.progress import track_progress
from tasks.threads import count_processors

LIMIT_S = 6 * 3600.0
POLL_S = 0.5


@dataclass(frozen=True)
class RecomputedItem:
    """The result of an item that was recomputed."""

    item: Item
    made_on: str
    """Kind of device that the recorded artifact was computed on; "" where the bytes do not depend on it."""
    again_on: str
    difference: Difference
    seconds: float


def parse_amount(text: str) -> float | int:
    """`5%` as a share (float, 0 to 1), `12` as a number of items (int); SemflowError for other texts."""
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else int(text)
    except ValueError:
        value = -1
    if not value > 0 or (isinstance(value, float) and value > 1):
        raise SemflowError(f"--recompute must be a share like 5% or a number of items from 1 on, got {text!r}")
    return value


def sample_items(plan: Plan, items: Collection[Item], amount: float | int, seed: str) -> list[Item]:
    """A reproducible sample: the items whose keys have the lowest hashes, at least one; `seed` changes the choice."""
    ranked = sorted(items, key=lambda item: hashlib.sha256(f"{seed}:{plan.states[item].key}".encode()).hexdigest())
    count = math.ceil(amount * len(ranked)) if isinstance(amount, float) else amount
    return ranked[:count]


def is_recomputable(plan: Plan, item: Item, damaged: Collection[Item]) -> bool:
    """Whether an item is fresh, and everything that it reads is too or can be restored, and nothing is damaged."""
    declaration = plan.project.by_name[item.stage]
    if plan.states[item].status != "fresh" or item in damaged:
        return False
    if any(kind.is_raw for kind in declaration.inputs.values()) and not plan.project.videos[item.video].is_local:
        return False
    sources = plan.find_sources(item)
    if declaration.over_dataset:  # a video with a recorded fault has no artifact and is not read
        sources = [source for source in sources if plan.states[source].status not in ("failed", "blocked")]
    return all(plan.states[source].status in ("fresh", "dropped") and source not in damaged for source in sources)


def recompute_items(plan: Plan, items: list[Item], tolerance: float) -> Iterator[RecomputedItem]:
    """Recompute `items`; yields each result, compared with the project's artifacts, as soon as it is computed."""
    project = plan.project
    with _temporary_project(project) as root, track_progress("verify", "items made again", len(items)) as step:
        workers = _workers(project, root)
        left, attempted = list(reversed(items)), 0
        try:
            while left or attempted:
                while left and attempted < workers.size:
                    item = left.pop()
                    workers.start_job(item, _job(plan, item, root), LIMIT_S)
                    attempted += 1
                for event in workers.wait_events(POLL_S):
                    if isinstance(event, JobEnded | WorkerDied):
                        attempted -= 1
                        step(str(event.item))
                        yield _compare_result(plan, event, root, tolerance)
                        _clear(project, event.item, root)
        finally:
            workers.close()


@contextmanager
def _temporary_project(project: Project) -> Generator[Path]:
    """A temporary folder that replaces the project's root: the same parameters, no data, no DVC."""
    above = project.root / STATE
    above.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=above, prefix="again-") as name:
        shutil.copyfile(project.root / PARAMS_FILE, Path(name) / PARAMS_FILE)
        yield Path(name)


def _workers(project: Project, root: Path) -> Workers:
    if project.pipeline is None:
        return make_inline_workers(project, root)
    # Only one worker can use an accelerator at a time.
    size = count_workers(project) if project.device == "cpu" else 1
    memory = float(project.compute.get("worker_memory_gb") or 0.0) * GB or math.inf
    setup = WorkerSetup(str(root), project.pipeline, project.compute, max(1, count_processors() // size))
    return WorkerPool(setup, size, memory)


def _job(plan: Plan, item: Item, root: Path) -> Job:
    project = plan.project
    declaration = project.by_name[item.stage]
    places = {kind.folder: project.artifact_path(kind, item.video) for kind in declaration.outputs}
    return Job(
        stage=item.stage,
        video=item.video,
        inputs=list_input_paths(plan, declaration, item.video),
        outputs=tuple((folder, str(root / path.relative_to(project.root))) for folder, path in places.items()),
        checkpoints=str(checkpoint_folder(root, plan.states[item])),
    )


def _compare_result(plan: Plan, event: JobEnded | WorkerDied, root: Path, tolerance: float) -> RecomputedItem:
    project, item = plan.project, event.item
    declaration = project.by_name[item.stage]
    recipe = project.recipe_store.recipes[item.stage, project.artifact_stem(item.video)]
    made_on = project.recipe_store.methods[item.stage, recipe.method].device
    if isinstance(event, WorkerDied):
        found, seconds = Difference("different", words=event.reason), event.seconds
    elif event.done.status != "computed":
        found, seconds = Difference("different", words=event.done.message), event.done.seconds
    else:
        found, seconds = _compare(project, item, event.done, root, tolerance), event.done.seconds
    return RecomputedItem(item, made_on, declaration.method.device, found, seconds)


def _compare(project: Project, item: Item, done: JobResult, root: Path, tolerance: float) -> Difference:
    found = EQUAL
    recipe = project.recipe_store.recipes[item.stage, project.artifact_stem(item.video)]
    for kind in project.by_name[item.stage].outputs:
        before, after = recipe.outputs[kind.folder], done.outputs[kind.folder]
        if before.keys() != after.keys():
            return Difference("different", words=f"{kind.folder}: {len(before)} files -> {len(after)}")
        base = project.artifact_path(kind, item.video)
        beside = root / base.relative_to(project.root)
        for name in before:
            if before[name] != after[name]:
                paths = (base / name, beside / name) if name else (base, beside)
                found = found.merge_with(compare_files(*paths, tolerance))
    return found


def _clear(project: Project, item: Item, root: Path) -> None:
    for kind in project.by_name[item.stage].outputs:
        remove_path(root / project.artifact_path(kind, item.video).relative_to(project.root))
