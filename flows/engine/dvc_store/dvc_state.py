"""Write known hashes to DVC's own hash cache, so that the first `dvc status` need not hash the files again.

Source: `dvc_data.hashfile.state` 3.18, a SQLite table keyed by absolute path; an entry is valid while inode,
modification time and size are unchanged. Only an optimisation: without it DVC hashes the files once (some 500 MB a
second) and caches the result itself. It costs the import of DVC, so it pays from about one gigabyte of new files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flows.engine.dvc_store.dvc_config import DVC_FOLDER


def save_hashes_to_dvc(root: Path, hashed: Mapping[Path, tuple[str, os.stat_result]]) -> int:
    """Save the MD5 of files under `root` to DVC's cache, each with its `stat` from BEFORE it was hashed; their number.

    The early `stat` makes this safe: a file that changed during or after hashing does not match its entry, and DVC
    hashes it again.
    """
    if not hashed or not (root / DVC_FOLDER).is_dir():
        return 0
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo

    home = root.resolve()  # the root as the `dvc` command resolves it
    entries = [
        (
            str(home / path.relative_to(root)),
            HashInfo("md5", md5),
            {"ino": found.st_ino, "mtime": found.st_mtime, "size": found.st_size},
        )
        for path, (md5, found) in hashed.items()
    ]
    with Repo(str(home), config={"core": {"no_scm": True}}) as repo:
        repo.state.save_many(entries, repo.fs)
    return len(entries)
