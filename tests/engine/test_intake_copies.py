"""Import of videos: files are copied to data/raw atomically."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.import_videos import copy_videos, import_videos
from flows.engine.project_lock import INTAKE_LOCK, hold_lock_file
from tasks.errors import SemflowError
from tests.engine.clips import in_raw, put


def fail_after_writing(error: BaseException, name: str) -> object:
    """A copyfile that leaves half of the file called `name`, and then fails."""

    def copyfile(source: Path, target: Path) -> None:
        if Path(source).name != name:
            target.write_bytes(Path(source).read_bytes())
            return
        target.write_bytes(Path(source).read_bytes()[:3])
        raise error

    return copyfile


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            r"is full: .*b\.mp4 has 14 bytes, .* nothing of it was left",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "is full"),
        (OSError(errno.EIO, "Input/output error"), r"b\.mp4 could not be copied .* Input/output error; nothing of it"),
    ],
)
def test_a_copy_that_fails_leaves_nothing_and_says_why(
    project_root: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    put(elsewhere, "day/b.mp4")
    (elsewhere / "b.mp4").replace(elsewhere / "day/b.mp4")
    monkeypatch.setattr(shutil, "copyfile", fail_after_writing(error, "b.mp4"))
    with pytest.raises(SemflowError, match=words):
        import_videos(project_root, [f"{elsewhere}"])
    assert in_raw(project_root) == ["a.mp4", "c.mov"]


def test_an_interrupted_copy_leaves_nothing(
    project_root: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(elsewhere, "films/day/b.mp4")
    monkeypatch.setattr(shutil, "copyfile", fail_after_writing(KeyboardInterrupt(), "b.mp4"))
    with pytest.raises(KeyboardInterrupt):
        import_videos(project_root, [f"{elsewhere}/films"])
    assert in_raw(project_root) == []


def test_a_file_that_grows_while_it_is_copied_is_refused(
    project_root: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.copyfile

    def copyfile(source: Path, target: Path) -> None:
        real(source, target)
        with source.open("a") as file:
            file.write("more")

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    with pytest.raises(SemflowError, match="must not change while it is copied, got 14 bytes before and 18 after"):
        import_videos(project_root, [f"{elsewhere}/a.mp4"])
    assert in_raw(project_root) == []


def test_a_copy_never_replaces_a_file_on_a_case_insensitive_disk(
    project_root: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copyfile(source: Path, target: Path) -> None:
        shutil.copy(source, target)
        (project_root / "data/raw/a.mp4").write_text("came meanwhile")

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    monkeypatch.setattr(shutil, "copy", lambda source, target: target.write_bytes(source.read_bytes()))
    with pytest.raises(SemflowError, match="a file of that name is there"):
        import_videos(project_root, [f"{elsewhere}/a.mp4"])
    assert (project_root / "data/raw/a.mp4").read_text() == "came meanwhile"
    assert in_raw(project_root) == ["a.mp4"]


def test_too_little_disk_space_is_reported_before_anything_is_copied(
    project_root: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(project_root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=20))
    with pytest.raises(
        SemflowError, match="must have 42 bytes free for these videos, got 20 bytes; nothing was copied"
    ):
        import_videos(project_root, [str(elsewhere)])
    assert in_raw(project_root) == []
    assert import_videos(project_root, [str(elsewhere / "a.mp4")]) == ["a"]


def test_a_killed_copy_leaves_no_video_and_the_next_one_removes_it(project_root: Path, elsewhere: Path) -> None:
    code = (
        "import pathlib, shutil, sys, time; from flows.cli.import_videos import import_videos\n"
        "def copyfile(source, target):\n"
        "    target.write_bytes(b'half'); print('copying', flush=True); time.sleep(60)\n"
        "shutil.copyfile = copyfile; import_videos(pathlib.Path(sys.argv[1]), [sys.argv[2]])"
    )
    command = [sys.executable, "-c", code, str(project_root), str(elsewhere)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as copying:
        assert copying.stdout is not None
        assert copying.stdout.readline() == "copying\n"
        with pytest.raises(SemflowError, match="another `semflow run --videos` is copying"):
            import_videos(project_root, [str(elsewhere)])
        copying.send_signal(signal.SIGKILL)
    assert [name for name in in_raw(project_root) if not name.startswith(".partial")] == []
    assert import_videos(project_root, [str(elsewhere)]) == ["a", "b", "c"]
    assert in_raw(project_root) == ["a.mp4", "b.mp4", "c.mov"]


def test_unfinished_files_of_other_programs_are_not_removed(project_root: Path, elsewhere: Path) -> None:
    put(project_root / "data/raw", ".partial/123-456-sample.mp4")
    import_videos(project_root, [str(elsewhere / "a.mp4")])
    assert in_raw(project_root) == [".partial", ".partial/123-456-sample.mp4", "a.mp4"]


def test_the_lock_is_released(project_root: Path, elsewhere: Path) -> None:
    assert copy_videos(project_root, [str(elsewhere)]) == ["a.mp4", "b.mp4", "c.mov"]
    with hold_lock_file(project_root / INTAKE_LOCK) as alone:
        assert alone
