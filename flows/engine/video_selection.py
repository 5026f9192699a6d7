"""Select the videos that a stage over the dataset reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.engine.declaration import Declaration
from tasks.artifacts.artifact import DATASET_ITEM, UserInput
from tasks.content_hash import combine_hashes
from tasks.errors import BadInput

if TYPE_CHECKING:
    from flows.engine.inventory import Inventory
    from flows.engine.project import Project


def select_dataset_videos(project: Project, declaration: Declaration, inventory: Inventory) -> list[str]:
    """All videos, or those that the stage's `select_videos` returns for its parameters and user inputs.

    Empty where a user input cannot be read; the item itself then reports the error. The selection is cached in the
    state, since calling `select_videos` imports the stage.
    """
    if not declaration.selects_videos:
        return list(project.videos)
    asked = {
        "params": combine_hashes({"": declaration.method.digest}),
        "written": {
            a: inventory.hash_user_input(kind, DATASET_ITEM) for a, kind in declaration.inputs.items() if kind.user_path
        },
    }
    name = f"chosen:{declaration.name}"
    known = project.state.read_memo(name)
    if known is None or known["asked"] != asked:
        known = {"asked": asked, "among": _ask(project, declaration)}
        project.state.save_memo(name, known)
    among = known["among"]
    return [video for video in project.videos if among is None or video in among]


def _ask(project: Project, declaration: Declaration) -> list[str] | None:
    stage = next(stage for stage in project.stages if stage.name == declaration.name)
    try:
        written = {
            argument: kind.open(
                project.root / declaration.inputs[argument].user_path.format(video=DATASET_ITEM.removeprefix("/"))
            )
            for argument, kind in stage.inputs.items()
            if issubclass(kind, UserInput)
        }
    except BadInput:
        return []
    among = stage.select_videos(project.params[stage.name], written)
    return None if among is None else list(among)
