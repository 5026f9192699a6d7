"""videos.yaml: names are read as text, and errors name the invalid line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.engine.linked_videos import read_linked_videos
from tasks.errors import SemflowError


def read(root: Path, text: str | bytes) -> dict[str, Path]:
    (root / "videos.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return {video.relative: video.path for video in read_linked_videos(root)}


def test_no_file_and_an_empty_one_name_no_videos(tmp_path: Path) -> None:
    assert read_linked_videos(tmp_path) == ()
    assert read(tmp_path, "") == {}
    assert read(tmp_path, "# nothing yet\n") == {}


def test_paths_are_absolute_at_home_or_relative_to_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    text = "a: /mnt/a.mp4\nday1/b: ~/films/b.mov\nc: ../films/c.mp4\nd: films/./d.mp4\n"
    assert read(tmp_path, text) == {
        "a": Path("/mnt/a.mp4"),
        "day1/b": Path("/home/anna/films/b.mov"),
        "c": tmp_path.parent / "films/c.mp4",
        "d": tmp_path / "films/d.mp4",
    }


def test_names_are_as_typed_in_unicode_form_c(tmp_path: Path) -> None:
    text = "\ufeff1.10: /a\non: /b\n007: /c\n'plie\u0301': /d\n2024-05-01: /e\n0x10: 123\n"
    assert list(read(tmp_path, text)) == ["1.10", "on", "007", "plié", "2024-05-01", "0x10"]
    assert read(tmp_path, text)["0x10"] == tmp_path / "123"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: /a\nb: [/b]\n", r"videos\.yaml:2: the path of 'b' must be text, got a seq"),
        ("a: /a\n\nb:\n", r"videos\.yaml:3: the path of 'b' must be text, got nothing"),
        ("a: ''\n", r"videos\.yaml:1: the path of 'a' must be text"),
        ("a: null\n", r"videos\.yaml:1: the path of 'a' must be text, got nothing"),
        ("a: ~\n", r"videos\.yaml:1: the path of 'a' must be text, got nothing"),
        ("? [a]\n: /a\n", r"videos\.yaml:1: a video's name must be text, got a seq"),
        ("- /a\n- /b\n", r"videos\.yaml:1: must be a mapping, .* got a seq"),
        ("/mnt/a.mp4\n", r"videos\.yaml:1: must be a mapping, .* got a str"),
        ("a: /a\na: /b\n", r"videos\.yaml:2: names must differ, got 'a', which occurs at .*videos\.yaml:1"),
        ("é: /a\n'e\u0301': /b\n", r"videos\.yaml:2: names must differ"),
        ("a: /a\n../b: /b\n", r"videos\.yaml:2: a video's name must be like a path below data/raw"),
        ("/b: /b\n", r"videos\.yaml:1: a video's name must be like a path"),
        ("a//b: /b\n", r"videos\.yaml:1: a video's name must be like a path"),
        (".b: /b\n", r"videos\.yaml:1: a video's name must be like a path"),
        ("'': /b\n", r"videos\.yaml:1: a video's name must be like a path"),
        ("a: /a\nb: 'c\n", r"videos\.yaml:\d: must be YAML"),
        ("a: x: y\n", r"videos\.yaml:1: must be YAML"),
        ("a: /a\x01\n", r"videos\.yaml.* must be YAML"),
        ("a: ~nobody-here/x.mp4\n", r"videos\.yaml:1: .* known home folder, got '~nobody-here/x\.mp4'"),
        ("a: data/raw/x.mp4\n", r"videos\.yaml:1: 'a' must be a video outside data/raw"),
        ("a: films/../data/raw/x.mp4\n", r"videos\.yaml:1: 'a' must be a video outside data/raw"),
    ],
)
def test_the_error_names_the_invalid_line_and_its_value(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SemflowError, match=words):
        read(tmp_path, text)


def test_a_file_that_is_not_text_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SemflowError, match="must be a readable text file"):
        read(tmp_path, b"a: \xff\xfe\n")
    (tmp_path / "videos.yaml").unlink()
    (tmp_path / "videos.yaml").mkdir()
    with pytest.raises(SemflowError, match="must be a readable text file"):
        read_linked_videos(tmp_path)
