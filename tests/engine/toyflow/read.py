"""Two outputs of one stage: the text, and what is known of it."""

from __future__ import annotations

from toyflow.artifacts import Facts, Words, note

from tasks.artifacts.raw_video import RawVideo
from tasks.errors import BadInput
from tasks.params import Params
from tasks.stage import stage


class ReadParams(Params):
    upper: bool
    """Whether to shout."""
    spare: int
    """Read by nobody."""


@stage()
def read(raw: RawVideo, params: ReadParams) -> tuple[Words, Facts]:
    note(f"read {raw.file.stem}")
    text = raw.file.read_text(encoding="utf-8")
    if not text:
        raise BadInput(f"{raw.file.name} must hold text, got an empty file; replace or remove it")
    return Words(text.upper() if params.upper else text), Facts(f"{len(text)} letters")
