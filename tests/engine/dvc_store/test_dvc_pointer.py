"""`data/raw.dvc` in unusual layouts; that it equals DVC's own is tested in test_equal_to_dvc."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.engine.dvc_store.dvc_lock import DirHash
from flows.engine.dvc_store.dvc_pointer import read_pointer, write_pointer
from flows.engine.dvc_store.git_ignore import ignore_in_git
from tasks.errors import SemflowError
from tests.engine.dvc_store.conftest import dvc, git

HELD = DirHash("1" * 32 + ".dir", 7, 2)
TEXT = f"outs:\n- md5: {HELD.md5}\n  size: 7\n  nfiles: 2\n  hash: md5\n  path: raw\n"


@pytest.fixture
def root(quiet_dvc: None, tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    git(tmp_path, "init", "-q")
    return tmp_path


def test_written_values_are_read_back(root: Path) -> None:
    assert read_pointer(root, "data/raw") is None
    assert write_pointer(root, "data/raw", HELD)
    assert (root / "data/raw.dvc").read_text() == TEXT
    assert read_pointer(root, "data/raw") == HELD
    assert not write_pointer(root, "data/raw", HELD)


def test_keys_added_by_the_user_are_kept(root: Path) -> None:
    own = (
        "# ours\n"
        + TEXT.replace("size: 7", "size: 9")
        + "  desc: the films  # by hand\n  push: false\nmeta:\n  by: me\n"
    )
    (root / "data/raw.dvc").write_text(own)
    assert write_pointer(root, "data/raw", HELD)
    assert (root / "data/raw.dvc").read_text() == own.replace("size: 9", "size: 7")


def test_an_empty_pointer_is_none(root: Path) -> None:
    (root / "data/raw.dvc").write_text("outs:\n- path: raw\n  hash: md5\n")
    assert read_pointer(root, "data/raw") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"<<<<<<< HEAD\n{TEXT}", "data/raw.dvc:1 must be YAML, got a merge conflict"),
        ("outs: []\n", "with one entry in outs"),
        ("", "with one entry in outs"),
        (f"outs:\n- md5: {'1' * 31}a\n  path: raw\n", "must track a folder, got the file hash"),
    ],
)
def test_damage_message_says_what_to_do(root: Path, text: str, words: str) -> None:
    (root / "data/raw.dvc").write_text(text)
    with pytest.raises(SemflowError) as raised:
        read_pointer(root, "data/raw")
    assert words in str(raised.value)
    assert str(raised.value).endswith("`git checkout --theirs data/raw.dvc` (in a rebase --ours), then `semflow run`")


@pytest.mark.parametrize(
    ("rules", "added"),
    [
        ("", True),
        ("/data/raw/\n", False),
        ("/data/raw\n", False),
        ("/data/\n", False),
        ("raw\n!/data/raw\n", True),
    ],
)
def test_the_gitignore_is_left_as_dvc_leaves_it(root: Path, rules: str, added: bool) -> None:
    (root / ".gitignore").write_text(rules)
    (root / "data/raw").mkdir()
    (root / "data/.gitignore").write_text("/other")
    assert ignore_in_git(root, "data/raw") == added
    assert (root / "data/.gitignore").read_text() == ("/other\n/raw\n" if added else "/other")
    assert not ignore_in_git(root, "data/raw")


@pytest.mark.slow
@pytest.mark.parametrize("rules", ["", "/data/raw/\n", "/data/raw\n", "raw\n!/data/raw\n"])
def test_dvc_leaves_the_same_gitignore(root: Path, rules: str) -> None:
    (root / ".gitignore").write_text(rules)
    (root / "data/raw").mkdir()
    (root / "data/raw/a").write_text("a")
    dvc(root, "init", "-q")
    dvc(root, "add", "-q", "data/raw")
    theirs = (root / "data/.gitignore").read_text() if (root / "data/.gitignore").exists() else ""
    (root / "data/.gitignore").unlink(missing_ok=True)
    ignore_in_git(root, "data/raw")
    ours = (root / "data/.gitignore").read_text() if (root / "data/.gitignore").exists() else ""
    assert ours == theirs


def test_without_git_there_is_no_gitignore(tmp_path: Path) -> None:
    assert write_pointer(tmp_path, "raw", HELD)
    assert not (tmp_path / ".gitignore").exists()
