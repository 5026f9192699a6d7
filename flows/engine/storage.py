"""Where bytes are kept by their hash: DVC's local cache and, where one is configured, its remote."""

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
    """The object store of a project."""

    root: Path
    objects: ObjectStore
    has_remote: bool

    @classmethod
    def open(cls, root: Path) -> Storage | None:
        """That of the project at `root`; None where it is no DVC repository."""
        return _open(root)

    def add_file(self, path: Path, md5: str) -> None:
        """Copy a file into the local cache."""
        self.objects.add_file(path, md5)

    def ensure_local(self, md5s: Iterable[str]) -> bool:
        """Whether all objects are in the local cache now; what is missing is fetched from the remote."""
        missing = {md5 for md5 in md5s if not self.objects.has_object(md5)}
        if not missing:
            return True
        return self.has_remote and self.fetch_objects(missing) >= missing

    def fetch_objects(self, md5s: Iterable[str]) -> set[str]:
        """Those of the objects that came from the remote; none where it does not answer, which is said."""
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
