"""Fetch, find and delete objects of a DVC remote by hash. Imports DVC, and only when a remote is configured.

Uses DVC's own file systems (S3, SSH, a mounted folder …). `dvc pull` costs half a second per target, a fetch by hash a
few milliseconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from flows.engine.dvc_store.background_work import ActivityClock, BackgroundWork
from flows.engine.dvc_store.dvc_config import read_config
from flows.engine.dvc_store.object_store import DIR_SUFFIX, MODE, ObjectStore
from flows.engine.dvc_store.verified_copy import copy_verified, make_temporary_path, set_mode
from tasks.content_hash import md5_file
from tasks.errors import SemflowError

log = logging.getLogger("semflow")

STALL_TIMEOUT_S = 60.0
"""Seconds without a transferred byte after which a remote counts as not answering."""

R = TypeVar("R")


class NoAnswer(SemflowError):
    """A remote that does not answer now; asked later, it may."""


@dataclass(frozen=True)
class Remote:
    """The default remote of a repository, and the local store that objects are fetched to."""

    name: str
    url: str
    store: ObjectStore
    patience_s: float
    _odb: Any

    @classmethod
    def open(cls, root: Path, patience_s: float = STALL_TIMEOUT_S) -> Remote | None:
        """The default remote; None where none is configured or there is no DVC repository.

        Does not connect. Raises SemflowError where its configuration or driver (dvc-s3, …) is wrong or missing.
        """
        config, store = read_config(root), ObjectStore.open(root)
        if config is None or store is None or config.remote is None:
            return None
        url = config.remotes.get(config.remote, "")
        with _wrap_errors(config.remote, url):
            odb = _open_database(root, config.remote)
        return cls(config.remote, url, store, patience_s, odb)

    def find_existing(self, md5s: Iterable[str]) -> set[str]:
        """Those of `md5s` that the remote has; raises SemflowError where it does not answer."""
        wanted = {md5 for md5 in md5s if self.store.object_path(md5)}
        if not wanted:
            return set()
        if self.is_folder:
            self._reach_folder()
            return {md5 for md5 in wanted if Path(self._odb.oid_to_path(md5)).is_file()}
        progress = ActivityClock()

        def ask(asked: set[str]) -> set[str]:
            self._odb.fs.fs.invalidate_cache()  # others may have pushed since the last query
            return set(self._odb.oids_exist(asked, jobs=self._odb.fs.jobs, progress=progress))

        found = self._work(ask, [wanted], progress)[0] & wanted
        if not found:
            self._work(self._reach_bucket, [self._odb.path], ActivityClock())
        return found

    def fetch_objects(self, md5s: Iterable[str]) -> set[str]:
        """Fetch objects into the local store in parallel; gives those of `md5s` that are there now, verified.

        Objects that the remote does not have, or whose bytes are damaged, are left out. Raises SemflowError where the
        remote does not answer (objects fetched before are kept), OSError where the local disk is full or read-only.
        """
        asked = set(md5s)
        missing = [md5 for md5 in sorted(asked) if not self.store.has_object(md5)]
        here = asked - set(missing)
        if not missing:
            return here
        if self.is_folder:
            self._reach_folder()
        for prefix in {self.store.object_path(md5).parent for md5 in missing}:
            self.store.make_folder(prefix)
        progress = ActivityClock()
        came = {md5 for md5 in self._work(partial(self._fetch_one, progress), missing, progress) if md5}
        if not came and not self.is_folder:
            self._work(self._reach_bucket, [self._odb.path], ActivityClock())
        return here | came

    def push_objects(self, md5s: Iterable[str]) -> set[str]:
        """Push objects of the local store that the remote does not have; gives those that were sent.

        Each appears there whole or not at all. Raises SemflowError where the remote does not answer, or where an object
        of the local store does not have the bytes of its name.
        """
        here = {md5 for md5 in md5s if self.store.has_object(md5)}
        missing = sorted(here - self.find_existing(here))
        progress = ActivityClock()
        return set(self._work(partial(self._push_one, progress), missing, progress)) if missing else set()

    def delete_objects(self, md5s: Iterable[str]) -> set[str]:
        """Delete objects from the remote, listings before the files that they name; gives those that it had.

        DVC assumes that a remote which has a listing has its files too, and does not push them again. So a file that
        may be pushed again must be deleted together with the listings that name it.
        """
        held = self.find_existing(md5s)
        progress = ActivityClock()
        for group in ([m for m in held if m.endswith(DIR_SUFFIX)], [m for m in held if not m.endswith(DIR_SUFFIX)]):
            if group:
                self._work(self._delete_one, group, progress)
        if held:
            self._forget_index()
        return held

    @property
    def is_folder(self) -> bool:
        """Whether the remote is a folder, local or mounted."""
        return self._odb.fs.protocol == "local"

    @property
    def file_system(self) -> Any:
        """The file system of fsspec that the remote's objects are in."""
        return self._odb.fs.fs

    @property
    def base(self) -> str:
        """Path of the remote in its file system: the folder above `files/md5`."""
        return str(self._odb.path).rstrip("/").removesuffix("/files/md5")

    def _reach_folder(self) -> None:
        """Raise SemflowError where the folder does not exist: an unmounted folder looks like an empty remote."""
        if not Path(self.url).is_dir():
            raise SemflowError(
                f"the remote {self.name!r} ({self.url}) must be an existing folder, got none; mount it, or create it "
                "with `dvc push`"
            )

    def _reach_bucket(self, path: str) -> None:
        """Raise where the bucket does not exist; called when no object was found at all."""
        try:
            self._odb.fs.fs.ls(path, detail=False)
        except FileNotFoundError as error:
            if "bucket" in str(error).lower() and "not exist" in str(error):
                raise  # else: a remote to which nothing has been pushed yet
        except NotImplementedError:
            return  # no listing over plain HTTP

    def _fetch_one(self, progress: ActivityClock, md5: str) -> str:
        """`md5` if the object was fetched, else ""."""
        target, source = self.store.object_path(md5), str(self._odb.oid_to_path(md5))
        try:
            if self.is_folder:
                good = copy_verified(Path(source), target, md5.removesuffix(DIR_SUFFIX), MODE)
            else:
                good = self._download(source, target, md5, progress)
        except FileNotFoundError:
            return ""
        if not good:
            log.error("the remote %r holds a damaged object %s; remove it there and push again", self.name, md5)
        return md5 if good else ""

    def _download(self, source: str, target: Path, md5: str, progress: ActivityClock) -> bool:
        beside = make_temporary_path(target)
        try:
            self._odb.fs.get_file(source, str(beside), callback=_callback(progress))
            if md5_file(beside) != md5.removesuffix(DIR_SUFFIX):
                return False
            set_mode(beside, MODE)
            beside.replace(target)
            return True
        finally:
            beside.unlink(missing_ok=True)

    def _push_one(self, progress: ActivityClock, md5: str) -> str:
        source, target = self.store.object_path(md5), str(self._odb.oid_to_path(md5))
        if not self.is_folder:
            if md5_file(source) != md5.removesuffix(DIR_SUFFIX):
                raise SemflowError(f"{source} must have the MD5 of its name, got other bytes; remove it and run again")
            self._odb.fs.put_file(str(source), target, callback=_callback(progress))
            return md5
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        if not copy_verified(source, Path(target), md5.removesuffix(DIR_SUFFIX), MODE):
            raise SemflowError(f"{source} must have the MD5 of its name, got other bytes; remove it and run again")
        progress(1)
        return md5

    def _delete_one(self, md5: str) -> None:
        try:
            self._odb.delete(md5)
        except FileNotFoundError:
            return

    def _forget_index(self) -> None:
        """Clear DVC's index of pushed objects, as `dvc gc --cloud` does too."""
        from dvc_data.hashfile.db import get_index

        index = get_index(self._odb)
        try:
            index.clear()
        finally:
            index.close()

    def _work(self, function: Callable[[Any], R], values: Iterable[Any], progress: ActivityClock) -> list[R]:
        with _wrap_errors(self.name, self.url):
            return BackgroundWork(function, values, int(self._odb.fs.jobs), progress).finish(self.patience_s)


def _open_database(root: Path, name: str) -> Any:
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.CRITICAL)
    # Without git: a remote does not need it, and a damaged or missing git repository must not prevent a fetch.
    with Repo(str(root), config={"core": {"no_scm": True}}) as repo:
        return repo.cloud.get_remote_odb(name, "fetch")


def _callback(progress: ActivityClock) -> Any:
    from fsspec.callbacks import Callback

    class Ticks(Callback):
        def relative_update(self, inc: int = 1) -> None:
            progress(inc)

    return Ticks()


@contextmanager
def _wrap_errors(name: str, url: str) -> Generator[None]:
    """Turn errors of network libraries into a SemflowError of one line with the remote and the cause."""
    try:
        yield
    except (SemflowError, KeyboardInterrupt):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None and error.errno is not None:
            raise  # the local disk: full, or not writable
        cause = " ".join(f"{type(error).__name__}: {_find_cause(error)}".split())[:300]
        kind = SemflowError if isinstance(error, FileNotFoundError | PermissionError) else NoAnswer
        raise kind(
            f"the remote {name!r} ({url}) must answer, got {cause}; check `dvc remote list`, your "
            "credentials and the network"
        ) from error


def _find_cause(error: BaseException) -> BaseException:
    while (cause := error.__cause__) is not None and str(cause):
        error = cause
    return error
