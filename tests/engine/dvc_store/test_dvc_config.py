"""DVC's configuration, compared with what DVC makes of the same files."""

from __future__ import annotations

from pathlib import Path

import pytest
from dvc.config import Config

from flows.engine.dvc_store.dvc_config import read_config
from flows.engine.dvc_store.object_store import ObjectStore
from tasks.errors import SemflowError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project/.dvc").mkdir(parents=True)
    for level in ("global", "system"):
        (tmp_path / level).mkdir()
        monkeypatch.setenv(f"DVC_{level.upper()}_CONFIG_DIR", str(tmp_path / level))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "project"


def test_without_dvc_there_is_none(tmp_path: Path) -> None:
    assert read_config(tmp_path) is None
    assert ObjectStore.open(tmp_path) is None


def test_by_default_the_cache_lies_in_the_repository(root: Path) -> None:
    store = ObjectStore.open(root)
    assert store == ObjectStore(root / ".dvc/cache/files/md5", shared=False)


@pytest.mark.parametrize(
    "files",
    [
        {"project/.dvc/config": "[cache]\ndir = ../../shared\nshared = group\n"},
        {"project/.dvc/config": "[cache]\n    dir = '/abs/with blank'  # a comment\n"},
        {"project/.dvc/config": "[cache]\ndir = ~/cache\n"},
        {
            "global/config": "[cache]\ndir = beside\n[core]\nremote = there\n",
            "project/.dvc/config": "[core]\nno_scm = TRUE\n",
        },
        {"project/.dvc/config": "[cache]\ndir = a\n", "project/.dvc/config.local": "[CACHE]\nDIR = b\n"},
        {"system/config": "[core]\nremote=x\n", "global/config": "[core]\nremote=y\n['remote \"y\"']\nurl = ../r\n"},
        {"project/.dvc/config": "[core]\nremote = s\n['remote \"s\"']\n    url = s3://bucket/path\n"},
    ],
)
def test_paths_and_levels_are_those_of_dvc(root: Path, tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    theirs = Config(str(root / ".dvc"))
    ours = read_config(root)
    assert ours is not None
    assert str(ours.cache) == str(theirs["cache"].get("dir", root / ".dvc/cache"))
    assert ours.shared == (theirs["cache"].get("shared") is not None)
    assert ours.remote == theirs["core"].get("remote")
    assert dict(ours.remotes) == {name: str(remote["url"]) for name, remote in theirs["remote"].items()}
    assert ours.no_scm == theirs["core"].get("no_scm", False)


def test_a_cache_named_after_a_remote_is_found(root: Path) -> None:
    (root / ".dvc/config").write_text("[cache]\nlocal = c\n['remote \"c\"']\nurl = /somewhere\n")
    assert ObjectStore.open(root) == ObjectStore(Path("/somewhere/files/md5"))


def test_damage_is_reported_with_the_file(root: Path) -> None:
    (root / ".dvc/config").write_text("[core\nremote = x\n")
    with pytest.raises(
        SemflowError, match=r"\.dvc/config must be a configuration of DVC, got .*; mend or remove the file"
    ):
        read_config(root)
