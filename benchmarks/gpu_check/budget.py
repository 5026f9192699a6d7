"""Parts of a measurement under one time budget: in order, each with a limit of its own, a failure stopping none.

Standard library only: this runs before the packages of the check are there.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

PartStatus = Literal["ok", "failed", "not reached"]


@dataclass(frozen=True)
class Budget:
    """Seconds from now on that all parts together may take."""

    limit_s: float
    clock: Callable[[], float] = time.monotonic
    began: float = field(default=-1.0)

    def __post_init__(self) -> None:
        if self.began < 0:
            object.__setattr__(self, "began", self.clock())

    @property
    def spent_s(self) -> float:
        """Seconds since the budget was made."""
        return self.clock() - self.began

    @property
    def left_s(self) -> float:
        """Seconds that are left; 0 when it is spent."""
        return max(0.0, self.limit_s - self.spent_s)


@dataclass(frozen=True)
class Part:
    """One piece of the check."""

    name: str
    run: Callable[[float], Any]
    """Seconds that it may take to a result that JSON can hold."""
    min_s: float
    """Seconds that must be left for it to be started."""
    max_s: float
    """Seconds after which it must stop, so that later parts are reached too."""


@dataclass(frozen=True)
class PartResult:
    """What became of a part."""

    status: PartStatus
    seconds: float = 0.0
    result: Any = None
    error: str = ""


def run_parts(
    parts: Sequence[Part], budget: Budget, on_result: Callable[[Part, PartResult], None]
) -> dict[str, PartResult]:
    """The result of each part by name, in order; `on_result` is called after each, so that nothing is lost."""
    results: dict[str, PartResult] = {}
    for part in parts:
        results[part.name] = _run_part(part, budget)
        on_result(part, results[part.name])
    return results


def _run_part(part: Part, budget: Budget) -> PartResult:
    left = budget.left_s
    if left < part.min_s:
        return PartResult("not reached", error=f"{left:.0f} s were left, it needs {part.min_s:.0f} s")
    began = budget.clock()
    try:
        result = part.run(min(left, part.max_s))
    except Exception as error:
        message = f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-3)}"
        return PartResult("failed", budget.clock() - began, error=message)
    return PartResult("ok", budget.clock() - began, result)
