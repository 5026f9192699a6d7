"""A file is replaced whole, or stays as it was."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from flows.engine.atomic_files import move_into_place
from tasks.atomic_file import replace_atomically, write_text_atomically


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_text_atomically(path, "old")
    with replace_atomically(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    write_text_atomically(path, "old")
    with pytest.raises(ZeroDivisionError), replace_atomically(path) as temporary:
        temporary.write_text("ne")
        _ = 1 / 0
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def two_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two folders between which nothing can be renamed, as on two file systems."""
    disks = tmp_path / "here", tmp_path / "there"
    rename = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if self.is_relative_to(disks[0]) != Path(target).is_relative_to(disks[0]):
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(self), None, str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    for disk in disks:
        disk.mkdir()
    return disks


@pytest.mark.parametrize(
    ("kind", "former"),
    [("file", None), ("file", "file"), ("file", "folder"), ("folder", None), ("folder", "folder")],
)
def test_a_move_to_another_disk_replaces_what_is_there(
    kind: str, former: str | None, two_disks: tuple[Path, Path]
) -> None:
    source, final = two_disks[0] / "made", two_disks[1] / "deep" / "film"
    for path, what, text in ((source, kind, "new"), (final, former, "old")):
        path.parent.mkdir(parents=True, exist_ok=True)
        if what == "file":
            path.write_text(text)
        elif what == "folder":
            path.mkdir()
            (path / f"{text}.txt").write_text(text)
    move_into_place(source, final)
    assert not source.exists() and [path.name for path in final.parent.iterdir()] == ["film"]
    assert (final if kind == "file" else final / "new.txt").read_text() == "new"
    assert final.is_file() or [path.name for path in final.iterdir()] == ["new.txt"]


def test_a_move_to_another_disk_that_fails_leaves_both_as_they_were(
    two_disks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, final = two_disks[0] / "made.parquet", two_disks[1] / "film.parquet"
    source.write_text("new")
    final.write_text("old")

    def copy(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("flows.engine.atomic_files.shutil.copy2", copy)
    with pytest.raises(OSError, match="No space left"):
        move_into_place(source, final)
    assert (source.read_text(), final.read_text()) == ("new", "old")
    assert [path.name for path in final.parent.iterdir()] == ["film.parquet"]
