"""Text that people write, whatever editor they use: UTF-8, with a byte order mark or without; anything else is said.

Spreadsheets and editors on Windows write UTF-16 and Latin-1 as well. These are not guessed: a guess that is wrong would
give other names in silence.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from tasks.errors import BadInput, SemflowError

MIN_UTF16_BYTES = 2
MARKS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
MAX_BYTES = 1 << 26
"""64 MB: a table of a million rows has half of that."""


def read_text(path: Path, shown: str, fault: type[SemflowError] = BadInput, most_bytes: int = MAX_BYTES) -> str:
    """The text of the file, line ends as they are; `fault` with `shown`, line and what came where it is no UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except IsADirectoryError:
        raise fault(f"{shown} must be a file, got a folder; rename or remove it") from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SemflowError(f"{shown} must be readable, got {error.strerror or error}; mend it and run again") from None
    if len(data) > most_bytes:
        raise fault(f"{shown} must have at most {most_bytes:,} bytes, got more; is it the right file?")
    return decode_text(data, shown, fault)


def decode_text(data: bytes, shown: str, fault: type[SemflowError] = BadInput) -> str:
    """The text of these bytes, without a byte order mark."""
    for mark, name in MARKS.items():
        if data.startswith(mark):
            raise fault(f"{shown}:1: must be UTF-8, got {name}; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A byte order mark has been cut off by then: places count from behind it.
        whole = data.removeprefix(codecs.BOM_UTF8)
        line = whole[: error.start].count(b"\n") + 1
        got = f"byte {whole[error.start]:#04x}"
        raise fault(f"{shown}:{line}: must be UTF-8, got {got}; save it as UTF-8") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise fault(f"{shown}:{line}: must be text, got a byte 0x00; save it as UTF-8")
    return text
