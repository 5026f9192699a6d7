"""Text files that people write: UTF-8 is read, anything else is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import BadInput, BadParams, SemflowError
from tasks.text import decode_text, read_text


def test_a_byte_order_mark_is_dropped_and_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfpli\xc3\xa9\r\nb\n")
    assert read_text(path, "a.txt") == "plié\r\nb\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfea\0", r"a\.txt:1: must be UTF-8, got UTF-16; save it as UTF-8"),
        (b"\xff\xfe\0\0", r"a\.txt:1: must be UTF-8, got UTF-32"),
        (b"\xef\xbb\xbfa\nb\xe9", r"a\.txt:2: must be UTF-8, got byte 0xe9"),
        (b"a\n\nb\0", r"a\.txt:3: must be text, got a byte 0x00"),
    ],
)
def test_another_encoding_is_told_with_its_line(data: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        decode_text(data, "a.txt")


def test_a_folder_a_large_file_and_an_unreadable_one_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadParams, match="a must be a file, got a folder"):
        read_text(tmp_path, "a", BadParams)
    path = tmp_path / "a.txt"
    path.write_text("12345")
    assert read_text(path, "a", most_bytes=5) == "12345"
    with pytest.raises(BadInput, match="a must have at most 4 bytes, got more"):
        read_text(path, "a", most_bytes=4)
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "absent", "absent")

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(SemflowError, match="a must be readable, got Permission denied"):
        read_text(path, "a")
