"""Recipes that `dvc.lock` records and that are not here: brought back from DVC's cache or remote.

So a fresh clone knows every video of the data set, and what is fresh, before any artifact is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flows.engine.dvc_store.dvc_config import LOCK_FILE
from flows.engine.file_marks import read_mark
from flows.engine.recipe import RECIPE_FOLDER, RECIPE_SUFFIX
from flows.engine.state import State
from flows.engine.storage import Storage
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from flows.engine.dvc_store.dvc_lock import StageRecord

SYNCED_MEMO = "synced"
"""Memo: the mark of the dvc.lock whose recipes are all here."""
REMOVED_MEMO = "removed"
"""Memo: stems and raw files that were removed on purpose since the last record."""


def sync_recipes(root: Path, state: State, stages: Iterable[str], *, fetch: bool) -> list[str]:
    """Put recorded recipes in place where they are missing; what is there is never replaced.

    Gives what a user should know: recipes that are recorded and not to be had, or a damaged dvc.lock.
    """
    mark = read_mark(root / LOCK_FILE)
    if mark is None or state.read_memo(SYNCED_MEMO) == list(mark):
        return []
    storage = Storage.open(root)
    if storage is None:
        return []
    from flows.engine.dvc_store.dvc_lock import read_lock

    try:
        recorded = read_lock(root)
    except SemflowError as error:
        return [str(error)]
    missing = {stage: _missing(root, storage, recorded.get(stage), stage, state, fetch=fetch) for stage in stages}
    wanted = {
        md5 for names in missing.values() for md5 in (names or {}).values() if not storage.objects.has_object(md5)
    }
    if wanted and fetch and storage.has_remote:
        storage.fetch_objects(wanted)
    lost = sum(not _restore(root, storage, stage, names or {}) for stage, names in missing.items())
    unknown = [stage for stage, names in missing.items() if names is None]
    if not lost and not unknown:
        state.save_memo(SYNCED_MEMO, list(mark))
        return []
    return [
        "dvc.lock records recipes that are not here, so some videos of the data set are not known on this machine; "
        "run `dvc pull data/recipes`" + ("" if storage.has_remote else " (no DVC remote is configured)")
    ]


def note_synced(root: Path, state: State) -> None:
    """Note that all recipes of the dvc.lock that lies there now are here."""
    mark = read_mark(root / LOCK_FILE)
    if mark is not None:
        state.save_memo(SYNCED_MEMO, list(mark))


def _missing(
    root: Path, storage: Storage, record: StageRecord | None, stage: str, state: State, *, fetch: bool
) -> Mapping[str, str] | None:
    """File name to MD5 of the recorded recipes that are not here; None where the list itself is not to be had."""
    from flows.engine.dvc_store.dvc_lock import DirHash

    held = None if record is None else record.outs.get(f"{RECIPE_FOLDER}/{stage}")
    if not isinstance(held, DirHash):
        return {}
    listing = storage.objects.read_listing(held.md5)
    if listing is None and fetch and storage.has_remote and storage.fetch_objects([held.md5]):
        listing = storage.objects.read_listing(held.md5)
    if listing is None:
        return None
    removed = set((state.read_memo(REMOVED_MEMO) or {}).get("stems", []))
    folder = root / RECIPE_FOLDER / stage
    return {
        name: md5
        for name, md5 in listing.items()
        if name.removesuffix(RECIPE_SUFFIX) not in removed and not (folder / name).exists()
    }


def _restore(root: Path, storage: Storage, stage: str, names: Mapping[str, str]) -> bool:
    """Whether all of them are in place now."""
    there = [storage.objects.restore_file(md5, root / RECIPE_FOLDER / stage / name) for name, md5 in names.items()]
    return all(there)
