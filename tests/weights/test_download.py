"""The pieces of a download, from a source that is a list of bytes."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.progress import BYTES_REMARK, set_sink
from tasks.weights.download import ChecksumMismatch, WeightSource, download_file
from tasks.weights.package_registry import DownloadStream

WHOLE = bytes(range(256)) * 40


class Line:
    """A source that gives `pieces[n]` more bytes in its n-th answer, then breaks off."""

    def __init__(self, *pieces: int, whole: bytes = WHOLE, resumes: bool = True) -> None:
        self.pieces, self.whole, self.resumes = list(pieces), whole, resumes
        self.offsets: list[int] = []

    @contextlib.contextmanager
    def open(self, offset: int) -> Iterator[DownloadStream]:
        self.offsets.append(offset)
        start = offset if self.resumes else 0
        length = self.pieces.pop(0) if self.pieces else len(self.whole)
        yield DownloadStream(start, len(self.whole), iter([self.whole[start : start + length]]))

    def source(self) -> WeightSource:
        return WeightSource("a line", hashlib.sha256(WHOLE).hexdigest(), self.open)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "file.part"


def test_a_whole_file_needs_one_answer(part):
    line = Line()
    download_file(line.source(), part, "file")
    assert part.read_bytes() == WHOLE
    assert line.offsets == [0]


def test_a_broken_line_is_taken_up_where_it_broke(part):
    line = Line(1000, 500)
    download_file(line.source(), part, "file")
    assert part.read_bytes() == WHOLE
    assert line.offsets == [0, 1000, 1500]


def test_what_an_earlier_process_left_is_not_fetched_again(part):
    part.write_bytes(WHOLE[:4000])
    line = Line()
    download_file(line.source(), part, "file")
    assert part.read_bytes() == WHOLE
    assert line.offsets == [4000]


def test_a_finished_part_asks_for_nothing(part):
    part.write_bytes(WHOLE)
    line = Line()
    download_file(line.source(), part, "file")
    assert line.offsets == []


def test_a_server_that_cannot_resume_starts_over(part):
    part.write_bytes(WHOLE[:4000])
    download_file(Line(resumes=False).source(), part, "file")
    assert part.read_bytes() == WHOLE


@pytest.mark.parametrize("left", [b"\0" * 4000, WHOLE + b"too long"])
def test_a_half_written_beginning_is_thrown_away(part, left):
    part.write_bytes(left)
    download_file(Line().source(), part, "file")
    assert part.read_bytes() == WHOLE


def test_other_bytes_are_refused_with_both_hashes_and_leave_nothing(part):
    other = b"not what was asked for"
    with pytest.raises(ChecksumMismatch) as refused:
        download_file(Line(whole=other).source(), part, "file")
    assert hashlib.sha256(WHOLE).hexdigest() in str(refused.value)
    assert hashlib.sha256(other).hexdigest() in str(refused.value)
    assert not part.exists()


def test_a_line_that_gives_nothing_more_is_abandoned_and_what_came_is_kept(part):
    line = Line(1000, 0)
    with pytest.raises(ConnectionError, match=f"broke off after 1000 of {len(WHOLE)} bytes"):
        download_file(line.source(), part, "file")
    assert part.read_bytes() == WHOLE[:1000]


def test_bytes_at_hand_are_told_with_those_that_lay_there_already(part):
    told = []
    part.write_bytes(WHOLE[:4000])
    before = set_sink(lambda *call: told.append(call))
    try:
        download_file(Line().source(), part, "file from a line")
    finally:
        set_sink(before)
    what = "fetching file from a line"
    assert told == [(what, 4000, len(WHOLE), BYTES_REMARK), (what, len(WHOLE), len(WHOLE), BYTES_REMARK)]


def test_a_download_without_a_known_size_ends_where_its_bytes_do(part):
    @contextlib.contextmanager
    def open_source(offset):
        yield DownloadStream(offset, None, iter([WHOLE[offset:]]))

    told = []
    before = set_sink(lambda *call: told.append(call))
    try:
        download_file(WeightSource("a line", hashlib.sha256(WHOLE).hexdigest(), open_source), part, "file")
    finally:
        set_sink(before)
    assert told[0][1:] == (0, math.inf, BYTES_REMARK) and told[-1][1:] == (len(WHOLE), len(WHOLE), BYTES_REMARK)


def test_where_nobody_listens_the_log_says_what_is_fetched(part, caplog):
    with caplog.at_level(logging.INFO, logger="semflow"):
        download_file(Line().source(), part, "file from a line")
    assert caplog.messages == ["fetching file from a line"]
