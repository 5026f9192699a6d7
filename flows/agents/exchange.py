"""Where coordinator and agents exchange objects (by MD5) and documents: a shared DVC cache, or the DVC remote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

from flows.agents.document_store import BucketDocuments, DocumentStore, FolderDocuments
from flows.engine.dvc_store.dvc_config import read_config
from flows.engine.dvc_store.object_store import ObjectStore
from flows.engine.dvc_store.remote import Remote
from tasks.errors import SemflowError

Share = Literal["remote", "cache"]
"""remote: objects travel through the DVC remote, each machine has a cache of its own. cache: all machines have the same
cache folder (`dvc cache dir`), and nothing is copied to a remote."""
FOLDER = "semflow"
"""Folder for documents beside the objects of the remote or the cache."""


def check_share(share: str) -> Share:
    """`share`, if it is one; raises SemflowError otherwise."""
    for known in get_args(Share):
        if share == known:
            return known
    raise SemflowError(f"share must be one of {', '.join(get_args(Share))}, got {share!r}")


class ObjectTransfer(Protocol):
    """Objects by MD5 that all machines see."""

    def find_existing(self, md5s: Iterable[str]) -> set[str]:
        """Those of `md5s` that other machines can fetch."""
        ...

    def push_objects(self, md5s: Iterable[str]) -> set[str]:
        """Make objects of the local store available to others; gives those that were sent."""
        ...

    def fetch_objects(self, md5s: Iterable[str]) -> set[str]:
        """Bring objects into the local store; gives those of `md5s` that are there now."""
        ...


@dataclass(frozen=True)
class SharedCache:
    """The cache folder that all machines have in common: nothing has to be sent."""

    store: ObjectStore

    def find_existing(self, md5s: Iterable[str]) -> set[str]:
        """See ObjectTransfer."""
        return {md5 for md5 in md5s if self.store.has_object(md5)}

    def push_objects(self, md5s: Iterable[str]) -> set[str]:
        """See ObjectTransfer."""
        del md5s
        return set()

    def fetch_objects(self, md5s: Iterable[str]) -> set[str]:
        """See ObjectTransfer."""
        return self.find_existing(md5s)


@dataclass
class Exchange:
    """Objects and documents that all machines see; counts the bytes of objects that this process moves."""

    share: Share
    documents: DocumentStore
    store: ObjectStore
    """The cache on this machine."""
    transfer: ObjectTransfer
    received: int = field(default=0)
    """Bytes of objects fetched."""
    sent: int = field(default=0)
    """Bytes of objects pushed."""

    @classmethod
    def open_project(cls, root: Path, share: Share) -> Exchange:
        """The exchange of the project at `root`; raises SemflowError where DVC is not set up for it."""
        config, store = read_config(root), ObjectStore.open(root)
        if config is None or store is None:
            raise SemflowError(f"{root} must be a DVC repository to be processed on agents, got none; run `dvc init`")
        if share == "cache":
            return cls(share, FolderDocuments(config.cache / FOLDER), store, SharedCache(store))
        remote = Remote.open(root)
        if remote is None:
            raise SemflowError(
                f"{root} must have a default DVC remote, through which agents exchange data, got none; run `dvc remote "
                "add --default NAME URL`, or share a cache folder (`--share cache`)"
            )
        if remote.is_folder:
            return cls(share, FolderDocuments(Path(remote.url) / FOLDER), store, remote)
        return cls(share, BucketDocuments(remote.file_system, f"{remote.base}/{FOLDER}"), store, remote)

    def push_objects(self, md5s: Iterable[str]) -> None:
        """Make objects of this machine's cache available to the others."""
        sent = self.transfer.push_objects(md5s)
        self.sent += sum(self.store.object_path(md5).stat().st_size for md5 in sent)

    def fetch_objects(self, md5s: Iterable[str]) -> set[str]:
        """Bring objects into this machine's cache; gives those of `md5s` that could not be had."""
        wanted = set(md5s)
        missing = {md5 for md5 in wanted if not self.store.has_object(md5)}
        came = self.transfer.fetch_objects(missing) if missing else set[str]()
        self.received += sum(self.store.object_path(md5).stat().st_size for md5 in came)
        return missing - came
