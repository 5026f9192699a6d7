"""Small documents (batches, claims, results) that the coordinator and the agents share, in a folder or a bucket.

All names are paths with `/`, relative to the store. A document is read whole or not at all, and `create_document`
succeeds for one writer only: by link(2) in a folder (atomic on NFS too), by a conditional put (`If-None-Match: *`) in
a bucket.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from flows.engine.dvc_store.remote import NoAnswer
from flows.engine.dvc_store.verified_copy import make_temporary_path, write_bytes_atomically
from tasks.errors import SemflowError

MAX_DOCUMENT_BYTES = 64 << 20
"""Largest document that is read: they come from other machines."""
PRECONDITION_FAILED = 412
"""HTTP's answer to a conditional put of something that exists."""


class DocumentStore(Protocol):
    """Shared documents by name."""

    def read_document(self, name: str) -> bytes | None:
        """The document's bytes; None where there is none."""
        ...

    def write_document(self, name: str, data: bytes) -> None:
        """Write or replace a document in one step."""
        ...

    def create_document(self, name: str, data: bytes) -> bool:
        """Write a document that does not exist; False, with nothing written, where it does with other content."""
        ...

    def list_documents(self, folder: str) -> list[str]:
        """Names of all documents below `folder`, sorted."""
        ...

    def remove_documents(self, folder: str) -> None:
        """Remove all documents below `folder`."""
        ...

    def remove_document(self, name: str) -> None:
        """Remove one document, if it exists."""
        ...


@dataclass(frozen=True)
class FolderDocuments:
    """Documents as files below `root`, which may be on a network file system."""

    root: Path

    def read_document(self, name: str) -> bytes | None:
        """See DocumentStore."""
        path = self.root / check_name(name)
        try:
            check_size(name, path.stat().st_size)
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write_document(self, name: str, data: bytes) -> None:
        """See DocumentStore."""
        path = self.root / check_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(path, data)

    def create_document(self, name: str, data: bytes) -> bool:
        """See DocumentStore."""
        path = self.root / check_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = make_temporary_path(path)
        try:
            beside.write_bytes(data)
            os.link(beside, path)
        except FileExistsError:  # on NFS perhaps by this very call, whose answer was lost
            return self.read_document(name) == data
        finally:
            beside.unlink(missing_ok=True)
        return True

    def list_documents(self, folder: str) -> list[str]:
        """See DocumentStore."""
        found: list[str] = []
        base = str(self.root)
        for where, folders, files in os.walk(self.root / check_name(folder)):
            folders.sort()
            inside = os.path.relpath(where, base)
            found += [f"{inside}/{file}" for file in files if not file.startswith(".")]
        return sorted(found)

    def remove_documents(self, folder: str) -> None:
        """See DocumentStore."""
        shutil.rmtree(self.root / check_name(folder), ignore_errors=True)

    def remove_document(self, name: str) -> None:
        """See DocumentStore."""
        (self.root / check_name(name)).unlink(missing_ok=True)


@dataclass(frozen=True)
class BucketDocuments:
    """Documents as objects below `base` in a file system of fsspec (S3, …) that supports conditional puts."""

    system: Any
    base: str

    def read_document(self, name: str) -> bytes | None:
        """See DocumentStore."""
        try:
            with self._wrap_errors():
                data: bytes = self.system.cat_file(self._path(name), end=MAX_DOCUMENT_BYTES + 1)
        except FileNotFoundError:
            return None
        check_size(name, len(data))
        return data

    def write_document(self, name: str, data: bytes) -> None:
        """See DocumentStore."""
        with self._wrap_errors():
            self.system.pipe_file(self._path(name), data)

    def create_document(self, name: str, data: bytes) -> bool:
        """See DocumentStore."""
        try:
            with self._wrap_errors():
                self.system.pipe_file(self._path(name), data, mode="create")
        except FileExistsError:
            # A put whose answer was lost is repeated by the client, and then refused because of itself.
            return self.read_document(name) == data
        return True

    def list_documents(self, folder: str) -> list[str]:
        """See DocumentStore."""
        self.system.invalidate_cache()  # others have written since
        try:
            with self._wrap_errors():
                paths: list[str] = self.system.find(self._path(folder))
        except FileNotFoundError:
            return []
        return sorted(path.removeprefix(self.base).strip("/") for path in paths)

    def remove_documents(self, folder: str) -> None:
        """See DocumentStore."""
        with contextlib.suppress(FileNotFoundError), self._wrap_errors():
            self.system.rm(self._path(folder), recursive=True)

    def remove_document(self, name: str) -> None:
        """See DocumentStore."""
        with contextlib.suppress(FileNotFoundError), self._wrap_errors():
            self.system.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self.base}/{check_name(name)}"

    @contextlib.contextmanager
    def _wrap_errors(self) -> Generator[None]:
        """Turn errors of the network's libraries, which are no OSErrors, into NoAnswer, and s3fs's for a document that
        exists into FileExistsError: it translates only some of botocore's codes."""
        try:
            yield
        except (FileNotFoundError, FileExistsError, PermissionError, SemflowError):
            raise
        except Exception as error:
            answer: Any = getattr(error.__cause__ or error, "response", None) or {}
            if answer.get("ResponseMetadata", {}).get("HTTPStatusCode") == PRECONDITION_FAILED:
                raise FileExistsError(str(error)) from error
            raise NoAnswer(
                f"the bucket of {self.base} must answer, got {type(error).__name__}: {error}; check the network"
            ) from error


def check_name(name: str) -> str:
    """`name`, if it is a relative path without `..`; raises SemflowError otherwise: it may come from elsewhere."""
    parts = name.split("/")
    if not name or "\0" in name or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise SemflowError(f"a shared document must have a relative path without '..' as its name, got {name!r}")
    assert not PurePosixPath(name).is_absolute()
    return name


def check_size(name: str, size: int) -> None:
    """Raise SemflowError where a document is larger than MAX_DOCUMENT_BYTES."""
    if size > MAX_DOCUMENT_BYTES:
        raise SemflowError(
            f"the shared document {name} must have at most {MAX_DOCUMENT_BYTES >> 20} MB, got {size >> 20} MB; "
            "somebody else writes there: remove it"
        )
