"""Make the job of an item: the paths that its worker reads and writes, and outputs recorded earlier for its key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flows.engine.declaration import Declaration
from flows.engine.item_state import ItemState
from flows.engine.job import Job, JobResult
from flows.engine.plan import Plan
from flows.engine.recipe import Outputs, parse_outputs
from flows.engine.recorded_results import RecordedResults
from flows.engine.state import STATE_FOLDER
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.content_hash import combine_hashes

CHECKPOINTS = "parts"
"""Folder under the state folder for the checkpoints of long items."""


def make_job(plan: Plan, past: RecordedResults, state: ItemState, *, is_restore_only: bool) -> Job:
    """The job that computes or restores an item; `is_restore_only`: its bytes must come from the object store."""
    project, video = plan.project, state.item.video
    declaration = project.by_name[state.item.stage]
    # Without the raw file on this machine, its items can only be restored.
    raw_missing = any(kind.is_raw and project.videos[video].file is None for kind in declaration.inputs.values())
    is_restore_only = is_restore_only or raw_missing
    known = _find_known_outputs(plan, past, state)
    frames = project.producers.get("data/frames")
    frames_path = (
        "" if frames is None or video == DATASET_ITEM else str(project.artifact_path(frames.outputs[0], video))
    )
    return Job(
        stage=declaration.name,
        video=video,
        inputs={} if is_restore_only else list_input_paths(plan, declaration, video),
        outputs=tuple((kind.folder, str(project.artifact_path(kind, video))) for kind in declaration.outputs),
        checkpoints=str(checkpoint_folder(project.root, state)),
        known=known if set(known) == {kind.folder for kind in declaration.outputs} else {},
        is_restore_only=is_restore_only,
        is_kept=declaration.keeps_artifacts,
        frames=frames_path,
    )


def has_local_outputs(plan: Plan, past: RecordedResults, state: ItemState) -> bool:
    """Whether the bytes of an item's outputs are known for its key and are in DVC's cache on this machine."""
    known = _find_known_outputs(plan, past, state)
    md5s = [md5 for files in known.values() for md5, _ in files.values()]
    return bool(md5s) and past.storage is not None and all(map(past.storage.objects.has_object, md5s))


def find_result_method(plan: Plan, state: ItemState, done: JobResult) -> str:
    """Digest of the method that made a result.

    The key may name another class of device, whose earlier result counts as up to date; what was computed here since
    is this machine's, unless it has the bytes that are recorded.
    """
    recipe = plan.project.recipe_store.recipes.get((state.item.stage, plan.project.artifact_stem(state.item.video)))
    is_recorded = recipe is not None and recipe.key == state.key and recipe.outputs == done.outputs
    if done.status == "restored" or is_recorded:
        return state.method
    return plan.project.by_name[state.item.stage].method.digest


def list_input_paths(plan: Plan, declaration: Declaration, video: str) -> dict[str, str | Mapping[str, str]]:
    """Argument name to the path of its artifact; for an argument over the dataset, to a mapping of video to path."""
    found: dict[str, str | Mapping[str, str]] = {}
    for argument, kind in declaration.inputs.items():
        if argument in declaration.dataset_inputs:
            videos = plan.list_available(declaration, kind)
            found[argument] = {owner: str(plan.project.artifact_path(kind, owner)) for owner in videos}
        else:
            found[argument] = str(plan.project.artifact_path(kind, video))
    return found


def checkpoint_folder(root: Path, state: ItemState) -> Path:
    """The folder of an item's checkpoints; each key has its own."""
    return root / STATE_FOLDER / CHECKPOINTS / combine_hashes({str(state.item): state.key})


def _parse_ledger_entry(entry: object) -> Outputs:
    """Outputs from an entry of the ledger; {} where it is not what a run wrote."""
    try:
        return parse_outputs(entry)
    except (ValueError, TypeError, AttributeError):
        return {}


def _find_known_outputs(plan: Plan, past: RecordedResults, state: ItemState) -> Outputs:
    """Outputs that the item's key had before, on this machine or in any recorded version; {} where there are none."""
    project = plan.project
    recipe = project.recipe_store.recipes.get((state.item.stage, project.artifact_stem(state.item.video)))
    if recipe is not None and recipe.key == state.key:
        return recipe.outputs
    ledger = _parse_ledger_entry(project.state.find_outputs(state.key))
    return ledger or past.find_outputs(state.item, state.key)
