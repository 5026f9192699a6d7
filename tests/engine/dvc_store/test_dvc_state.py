"""Hashes saved to DVC's cache, and files that DVC ignores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc_data.hashfile.hash import hash_file

from flows.engine.dvc_store.dvc_state import save_hashes_to_dvc
from tasks.content_hash import md5_file
from tests.engine.dvc_store.conftest import Recorded


def known(root: Path, *paths: Path) -> list[str | None]:
    with Repo(str(root)) as repo:
        found = [repo.state.get(str(path), repo.fs)[1] for path in paths]
        return [None if hash_info is None else hash_info.value for hash_info in found]


def test_dvc_uses_saved_hashes(bare: Path) -> None:
    paths = [bare / "data/words/b.txt", bare / "data/raw/b c.mp4"]
    hashed = {path: (path.stat(), md5_file(path)) for path in paths}
    assert known(bare, *paths) == [None, None]
    assert save_hashes_to_dvc(bare, {path: (md5, stat) for path, (stat, md5) in hashed.items()}) == 2
    assert known(bare, *paths) == [md5 for _, md5 in hashed.values()]
    with Repo(str(bare)) as repo:
        assert hash_file(str(paths[0]), repo.fs, "md5", repo.state)[1].value == md5_file(paths[0])


def test_a_file_that_changed_after_its_stat_is_hashed_again(bare: Path) -> None:
    path = bare / "data/words/b.txt"
    before, md5 = path.stat(), md5_file(path)
    path.write_text("B")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    save_hashes_to_dvc(bare, {path: (md5, before)})
    assert known(bare, path) == [None]


def test_without_dvc_no_hash_is_saved(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    assert save_hashes_to_dvc(tmp_path, {tmp_path / "a": ("0" * 32, (tmp_path / "a").stat())}) == 0
    assert not (tmp_path / ".dvc").exists()


@pytest.mark.parametrize(
    ("path", "hidden"),
    [
        ("data/words/.DS_Store", True),
        ("data/words/a/.x.recipe.json.12.34", True),
        ("data/.DS_Store", True),
        ("data/raw/deep/.hidden", True),
        ("reports/clip/.DS_Store", True),
        ("reports/.partial/1-clip", True),
        ("data/words/.partial/1-2-x.txt", True),
        ("data/words/__pycache__/a.pyc", True),
        ("data/raw.dvc", False),
        ("data/words/a.b.txt", False),
        ("data/words/a/b.txt", False),
        ("reports/index.html", False),
        ("dvc.yaml", False),
        ("dvc.lock", False),
        (".hidden", False),
        ("code/.hidden", False),
    ],
)
def test_hidden_files_among_artifacts_are_hidden_from_dvc_and_nothing_else(
    recorded: Recorded, path: str, hidden: bool
) -> None:
    file = recorded.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with Repo(str(recorded.root)) as repo:
        walked = {
            f"{folder}/{name}"
            for folder, _, names in repo.dvcignore.walk(repo.fs, str(recorded.root))
            for name in names
        }
    assert (str(file) not in walked) == hidden


def test_dvc_still_tracks_the_raw_videos(recorded: Recorded) -> None:
    with Repo(str(recorded.root)) as repo:
        assert [out.def_path for out in repo.index.outs if out.stage.path.endswith("raw.dvc")] == ["raw"]
        assert repo.status([str(recorded.root / "data/raw.dvc")]) == {}
    (recorded.root / "data/raw/.DS_Store").write_text("other")
    with Repo(str(recorded.root)) as repo:
        assert repo.status([str(recorded.root / "data/raw.dvc")]) == {}
    (recorded.root / "data/raw/a.mp4").write_text("other")
    with Repo(str(recorded.root)) as repo:
        assert "modified" in str(repo.status([str(recorded.root / "data/raw.dvc")]))
