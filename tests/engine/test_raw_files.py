"""The walk over data/raw: files that may be videos, and skipped files with the reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.engine.non_video_files import explain_non_video_file
from flows.engine.raw_files import RawListing, list_raw_files, walk_video_files
from tasks.errors import SemflowError


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def videos(listing: RawListing) -> list[str]:
    return [file.relative for file in listing.files]


def words(notes: object) -> dict[str, str]:
    return {note.relative: note.reason for note in notes}  # type: ignore[attr-defined]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "project/data/raw").mkdir(parents=True)
    return tmp_path / "project/data/raw"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user reaches, with this process no longer allowed to pass over permissions."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for path in folder.rglob("*"):
            path.chmod(0o755)
        shutil.rmtree(folder)


def test_files_come_with_what_a_hash_store_asks_for_sorted_by_path(raw: Path) -> None:
    put(raw, "b/x.mp4", "a.mov", "b/c/y.MTS", "z")
    listing = walk_video_files(raw)
    assert videos(listing) == ["a.mov", "b/c/y.MTS", "b/x.mp4", "z"]
    for file in listing.files:
        at = file.path.stat()
        assert file.path == raw / file.relative
        assert (file.size, file.mtime_ns, file.inode) == (at.st_size, at.st_mtime_ns, at.st_ino)
    assert listing.skipped == listing.unreadable == listing.absent == ()


def test_files_beside_videos_are_skipped_with_a_reason(raw: Path) -> None:
    put(raw, "GX010001.MP4", "GX010001.LRV", "GX010001.THM", "DJI_1.MP4", "DJI_1.SRT", "IMG_1.HEIC", "IMG_1.MOV")
    put(
        raw, "take.mp4", "take.json", "Thumbs.db", "@eaDir/take.mp4", "README", "half.mp4.part", "old.mp4~", "x.mp4.dvc"
    )
    listing = walk_video_files(raw)
    assert videos(listing) == ["DJI_1.MP4", "GX010001.MP4", "IMG_1.MOV", "take.mp4"]
    skipped = words(listing.skipped)
    assert set(skipped) == {
        "GX010001.LRV", "GX010001.THM", "DJI_1.SRT", "IMG_1.HEIC", "take.json", "Thumbs.db", "@eaDir", "README",
        "half.mp4.part", "old.mp4~", "x.mp4.dvc",
    }  # fmt: skip
    assert "low-resolution" in skipped["GX010001.LRV"]
    assert "dvc pull" in skipped["x.mp4.dvc"]


@pytest.mark.parametrize(
    "name",
    [
        "a.mp4",
        "a.ts",
        "a.gif",
        "a.webp",
        "a.avif",
        "a.MOD",
        "a.dat",
        "a.264",
        "a",
        "1.2.840.1",
        "a.unknown",
        "a.srt.mp4",
    ],
)
def test_files_that_may_be_videos_are_listed(name: str) -> None:
    assert explain_non_video_file(name) is None


def test_hidden_names_are_left_out_silently(raw: Path) -> None:
    put(raw, ".gitignore", "._x.mp4", ".trash/x.mp4", "x.mp4")
    listing = walk_video_files(raw)
    assert videos(listing) == ["x.mp4"]
    assert listing.skipped == listing.unreadable == ()


def test_a_placeholder_of_a_video_in_a_cloud_is_listed(raw: Path) -> None:
    put(raw, "day/.x.mp4.icloud", ".notes.txt.icloud", ".y.mp4", "z.mp4")
    listing = walk_video_files(raw)
    assert videos(listing) == ["z.mp4"]
    assert words(listing.skipped) == {
        "day/.x.mp4.icloud": "a placeholder of iCloud: download the video, in the Finder or by `brctl download`"
    }


def test_links_to_links_are_followed_and_what_is_broken_in_a_linked_folder_is_reported(
    raw: Path, tmp_path: Path
) -> None:
    put(tmp_path, "nas/session1/x.mp4")
    (tmp_path / "nas/session1/y.mp4").symlink_to("/nowhere/y.mp4")
    (tmp_path / "today").symlink_to("nas/session1")
    (raw / "session").symlink_to(tmp_path / "today")
    (raw / "z.mp4").symlink_to(tmp_path / "today/x.mp4")
    listing = walk_video_files(raw)
    assert videos(listing) == ["session/x.mp4", "z.mp4"]
    assert set(words(listing.unreadable)) == {"session/y.mp4"}


def test_a_linked_folder_without_permission_is_reported_and_others_continue(open_folder: Path) -> None:
    put(open_folder, "nas/session1/x.mp4", "nas/session2/y.mp4", "raw/z.mp4")
    (open_folder / "raw/one").symlink_to(open_folder / "nas/session1")
    (open_folder / "raw/two").symlink_to(open_folder / "nas/session2")
    (open_folder / "nas/session1").chmod(0)
    listing = walk_video_files(open_folder / "raw")
    assert videos(listing) == ["two/y.mp4", "z.mp4"]
    assert "no permission" in words(listing.unreadable)["one"]


def test_a_linked_folder_and_a_linked_file_are_followed(raw: Path, tmp_path: Path) -> None:
    put(tmp_path, "nas/session1/x.mp4", "nas/session1/deep/y.mp4", "nas/single.mp4")
    (raw / "session1").symlink_to(tmp_path / "nas/session1")
    (raw / "one.mp4").symlink_to(tmp_path / "nas/single.mp4")
    listing = walk_video_files(raw)
    assert videos(listing) == ["one.mp4", "session1/deep/y.mp4", "session1/x.mp4"]
    assert listing.files[0].size == len("nas/single.mp4")


def test_data_raw_itself_may_be_a_link(raw: Path, tmp_path: Path) -> None:
    put(tmp_path, "nas/x.mp4")
    raw.rmdir()
    raw.symlink_to(tmp_path / "nas")
    assert videos(walk_video_files(raw)) == ["x.mp4"]
    assert walk_video_files(raw).files[0].path == raw / "x.mp4"


def test_a_folder_reached_twice_is_listed_once_by_its_real_place(raw: Path, tmp_path: Path) -> None:
    put(raw, "real/x.mp4")
    put(tmp_path, "nas/y.mp4")
    (raw / "alias").symlink_to("real")
    for name in ("b", "c"):
        (raw / name).symlink_to(tmp_path / "nas")
    listing = walk_video_files(raw)
    assert videos(listing) == ["b/y.mp4", "real/x.mp4"]
    assert words(listing.skipped) == {"alias": "is the same folder as real", "c": "is the same folder as b"}


def test_link_loops_are_reported(raw: Path, tmp_path: Path) -> None:
    put(raw, "a/x.mp4")
    put(tmp_path, "nas/y.mp4")
    (raw / "a/up").symlink_to("..")
    (raw / "project").symlink_to("../..")
    (raw / "nas").symlink_to(tmp_path / "nas")
    (tmp_path / "nas/back").symlink_to(raw)
    (tmp_path / "nas/self").symlink_to(".")
    (raw / "round").symlink_to("round")
    listing = walk_video_files(raw)
    assert videos(listing) == ["a/x.mp4", "nas/y.mp4"]
    assert set(words(listing.skipped)) == {"a/up", "project", "nas/back", "nas/self"}
    assert words(listing.unreadable) == {"round": "is a link that leads to itself; remove it"}


def test_broken_links_are_reported_and_others_continue(raw: Path) -> None:
    put(raw, "x.mp4")
    (raw / "gone.mp4").symlink_to("/nowhere/gone.mp4")
    (raw / "gone.srt").symlink_to("/nowhere/gone.srt")
    listing = walk_video_files(raw)
    assert videos(listing) == ["x.mp4"]
    assert "link to /nowhere/gone.mp4, which is not there" in words(listing.unreadable)["gone.mp4"]
    assert set(words(listing.skipped)) == {"gone.srt"}


def test_a_pipe_is_never_opened(raw: Path) -> None:
    os.mkfifo(raw / "pipe.mp4")
    assert words(walk_video_files(raw).skipped) == {"pipe.mp4": "no file, but a device or pipe"}


def test_files_and_folders_without_permission_are_reported_and_others_continue(open_folder: Path) -> None:
    put(open_folder, "x.mp4", "secret.mp4", "closed/y.mp4", "listed/z.mp4")
    (open_folder / "secret.mp4").chmod(0)
    (open_folder / "closed").chmod(0)
    (open_folder / "listed").chmod(0o644)
    listing = walk_video_files(open_folder)
    assert videos(listing) == ["x.mp4"]
    assert set(words(listing.unreadable)) == {"secret.mp4", "closed", "listed/z.mp4"}
    assert all("no permission" in reason for reason in words(listing.unreadable).values())


def test_an_error_of_the_system_is_reported_with_its_message(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(raw, "x.mp4", "far/y.mp4")
    real = os.scandir

    def scandir(place: str) -> object:
        if place.endswith("far"):
            raise OSError(107, "Transport endpoint is not connected", place)
        return real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    listing = walk_video_files(raw)
    assert videos(listing) == ["x.mp4"]
    assert words(listing.unreadable) == {"far": "cannot be read: Transport endpoint is not connected"}


def test_names_that_are_not_utf8_are_listed(raw: Path) -> None:
    (raw / os.fsdecode(b"caf\xe9.mp4")).write_text("")
    assert walk_video_files(raw).files[0].path.exists()


def test_a_missing_folder_has_no_files_and_a_broken_link_is_reported(tmp_path: Path) -> None:
    assert walk_video_files(tmp_path / "none") == RawListing()
    (tmp_path / "link").symlink_to("/nowhere")
    assert "is not there; is a disk not mounted?" in words(walk_video_files(tmp_path / "link").unreadable)[""]
    put(tmp_path, "file")
    with pytest.raises(SemflowError, match="must be a folder, got a file"):
        walk_video_files(tmp_path / "file")


def test_videos_of_videos_yaml_are_listed_and_stay_where_they_lie(raw: Path, tmp_path: Path) -> None:
    put(raw, "x.mp4")
    put(tmp_path, "films/a.srt.mov", "project/near.mp4")
    root = tmp_path / "project"
    (root / "videos.yaml").write_text(f"far/a: {tmp_path}/films/a.srt.mov\nnear: near.mp4\nb: /mnt/off/b.mp4\n")
    listing = list_raw_files(root)
    assert videos(listing) == ["far/a", "near", "x.mp4"]
    assert [file.path for file in listing.files] == [tmp_path / "films/a.srt.mov", root / "near.mp4", raw / "x.mp4"]
    assert words(listing.absent) == {"b": "/mnt/off/b.mp4 is not there; is a disk not mounted?"}
    assert listing.unreadable == ()


def test_a_linked_video_without_permission_stays_in_the_list_as_absent(open_folder: Path) -> None:
    put(open_folder, "film.mp4", "videos.yaml")
    (open_folder / "film.mp4").chmod(0)
    (open_folder / "videos.yaml").write_text("film: film.mp4\n")
    listing = list_raw_files(open_folder)
    assert listing.files == ()
    assert listing.absent == listing.unreadable
    assert set(words(listing.absent)) == {"film"}


def test_videos_yaml_may_not_name_a_folder_or_what_data_raw_has(raw: Path) -> None:
    root = raw.parent.parent
    put(raw, "x.mp4")
    put(root, "films/y.mp4")
    (root / "videos.yaml").write_text("# films\nx.mp4: films/y.mp4\n")
    with pytest.raises(SemflowError, match=r"videos\.yaml:2: names must differ, got 'x\.mp4', which is a file in"):
        list_raw_files(root)
    (root / "videos.yaml").write_text("y: films\n")
    with pytest.raises(SemflowError, match=r"videos\.yaml:1: 'y' must be a file, got the folder"):
        list_raw_files(root)


def test_listing_videos_imports_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); import flows.cli.import_videos, flows.engine.video_list;"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.split() == ["flows", "tasks"]


def test_a_link_of_git_annex_says_how_to_fetch_its_file(raw: Path) -> None:
    (raw / "take.mp4").symlink_to("../../.git/annex/objects/Wx/0q/SHA256E-s12--4d7a.mp4")
    assert "run `git annex get` on it" in words(walk_video_files(raw).unreadable)["take.mp4"]
