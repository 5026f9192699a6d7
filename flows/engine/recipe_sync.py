"""Restore recipes that `dvc.lock` records and that are missing on this machine from DVC's cache or remote.

By this a fresh clone knows every video of the data set, and which items are up to date, before it has any artifact.
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
"""Memo: the mark of the dvc.lock whose recipes are all on this machine."""
REMOVED_MEMO = "removed"
"""Memo: stems and raw files that were removed on purpose since the last record."""


def sync_recipes(root: Path, state: State, stages: Iterable[str], *, fetch: bool) -> list[str]:
    """Write recorded recipes that are missing; existing files are never replaced. `fetch`: also from the remote.

    Gives notes for the user: that recorded recipes are not available, or that dvc.lock is damaged.
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
    """Save that all recipes of the present dvc.lock are on this machine."""
    mark = read_mark(root / LOCK_FILE)
    if mark is not None:
        state.save_memo(SYNCED_MEMO, list(mark))


def _missing(
    root: Path, storage: Storage, record: StageRecord | None, stage: str, state: State, *, fetch: bool
) -> Mapping[str, str] | None:
    """File name to MD5 of the recorded recipes that are missing; None where their listing is not available."""
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
    """Write the recipes `names` (file name to MD5) from the object store; whether all of them could be restored."""
    there = [storage.objects.restore_file(md5, root / RECIPE_FOLDER / stage / name) for name, md5 in names.items()]
    return all(there)
