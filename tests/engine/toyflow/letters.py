"""One import away from the stage."""

from toyflow.alphabet import is_same


def count_letter(text: str, letter: str) -> int:
    """How often `letter` occurs."""
    return sum(is_same(found, letter) for found in text)
