"""Access to files by hash: DVC's local cache and, where one is configured, its remote."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flows.engine.dvc_store.dvc_config import read_config
from flows.engine.dvc_store.object_store import ObjectStore
from tasks.errors import SemflowError

log = logging.getLogger("semflow")


@dataclass(frozen=True)
class Storage:
    """The object store of a project and its remote."""

    root: Path
    objects: ObjectStore
    has_remote: bool

    @classmethod
    def open(cls, root: Path) -> Storage | None:
        """The storage of the project at `root`; None where it is not a DVC repository."""
        return _open(root)

    def add_file(self, path: Path, md5: str) -> None:
        """Copy a file into the local cache."""
        self.objects.add_file(path, md5)

    def ensure_local(self, md5s: Iterable[str]) -> bool:
        """Fetch missing objects from the remote; whether all are in the local cache now."""
        missing = {md5 for md5 in md5s if not self.objects.has_object(md5)}
        if not missing:
            return True
        return self.has_remote and self.fetch_objects(missing) >= missing

    def fetch_objects(self, md5s: Iterable[str]) -> set[str]:
        """Fetch objects from the remote; gives those that are in the local cache now. Logs a warning where it fails."""
        from flows.engine.dvc_store.remote import Remote

        try:
            remote = Remote.open(self.root)
            return set() if remote is None else remote.fetch_objects(md5s)
        except SemflowError as error:
            log.warning("%s", error)
            return set()


@cache
def _open(root: Path) -> Storage | None:
    config, objects = read_config(root), ObjectStore.open(root)
    return None if config is None or objects is None else Storage(root, objects, config.remote is not None)
