"""Which pictures to mistrust: those from an error to the next clean key picture.

A picture is predicted from earlier ones, so an error stays on screen until a key picture that needs no other. Numbers
are positions in decode order. Pictures that follow a key picture in decode order but are shown before it (open GOP)
may still use what lay before it; they come out before it and so are still under suspicion then.
"""

from __future__ import annotations

from bisect import bisect_left


class CorruptionTracker:
    """Errors since the last clean key picture."""

    def __init__(self) -> None:
        self._errors: list[int] = []

    def raise_at(self, number: int) -> None:
        """Something was wrong with packet `number`."""
        place = bisect_left(self._errors, number)
        if self._errors[place : place + 1] != [number]:
            self._errors.insert(place, number)

    def falls_on(self, number: int) -> bool:
        """Whether picture `number` may show an error."""
        return bool(self._errors) and self._errors[0] <= number

    def key_picture(self, number: int) -> None:
        """Key picture `number` came out: errors before it are over."""
        del self._errors[: bisect_left(self._errors, number)]
