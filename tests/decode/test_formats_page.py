"""docs/formats.md says what the decoder does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.errors import BadInput
from tests.decode.conftest import Decode, Odd

PAGE = (Path(__file__).parents[2] / "docs/formats.md").read_text(encoding="utf-8")
TABLES = [re.findall(r"^\| `([^`]+)` \| (.+?) \|", part, re.MULTILINE) for part in PAGE.split("## What is skipped")]


def test_the_page_has_both_tables() -> None:
    assert [len(table) for table in TABLES] == [21, 16]


@pytest.mark.parametrize(("name", "codec"), TABLES[0])
def test_every_format_of_the_page_is_read(name: str, codec: str, odd: Odd, decoded: Decode) -> None:
    frames = decoded(odd(name))
    assert frames.decode_report.codec == codec
    assert frames.ok.all()
    assert frames.pts_s[0] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("name", "message"), TABLES[1])
def test_every_refusal_of_the_page_is_worded_so(name: str, message: str, odd: Odd, decoded: Decode) -> None:
    with pytest.raises(BadInput) as refusal:
        decoded(odd(name))
    assert message in str(refusal.value)
