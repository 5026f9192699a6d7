"""DVC's own memory of hashes: what it is told here, the first `dvc status` need not hash again.

Source: `dvc_data.hashfile.state` 3.18, a SQLite table keyed by absolute path; an entry counts only while inode,
modification time and size are what they were. Never needed for a right answer: without it DVC hashes once more (some
500 MB a second) and remembers by itself. Telling it costs the import of DVC, so it pays from about one gigabyte of new
files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flows.engine.dvc_store.dvc_config import DVC_FOLDER


def save_hashes_to_dvc(root: Path, hashed: Mapping[Path, tuple[str, os.stat_result]]) -> int:
    """Tell DVC the MD5 of files under `root`, each with its `stat` from BEFORE it was hashed; how many were told.

    The time of the `stat` is what makes it safe: a file that changed during or after hashing no longer fits its entry,
    and DVC hashes it anew.
    """
    if not hashed or not (root / DVC_FOLDER).is_dir():
        return 0
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo

    home = root.resolve()  # where the `dvc` command believes to be when it is called inside
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
