"""Counts a letter, by way of a module that itself imports the one where letters are compared."""

from __future__ import annotations

from toyflow.artifacts import Counts, Notes, Words, note

from tasks.params import Params
from tasks.stage import stage


class CountParams(Params):
    letter: str
    """What to count."""


@stage(libraries=("toylib",))
def count(words: Words, notes: Notes, params: CountParams) -> Counts:
    from toyflow.letters import count_letter

    note("count")
    return Counts(f"{count_letter(words.text, params.letter)}{notes.text}")
