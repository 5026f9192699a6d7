"""Round numbers for tick marks and scales."""

from __future__ import annotations

import math

TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
MOST_TICKS = 7
ROUND_FACTORS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)


def time_step(span_s: float, most: int = MOST_TICKS) -> float:
    """The smallest round step, in seconds, that gives at most `most` ticks over `span_s` > 0."""
    for step in TIME_STEPS_S:
        if span_s > 2 and span_s / step < most:
            return float(step)
    if span_s > 2:
        days = math.ceil(span_s / TIME_STEPS_S[-1] / most)
        return float(TIME_STEPS_S[-1] * days)
    power = 10.0 ** math.floor(math.log10(span_s / most))
    return next(power * factor for factor in (1, 2, 5, 10) if span_s / (power * factor) < most)


def time_ticks(span_s: float, most: int = MOST_TICKS) -> list[float]:
    """Times from 0 up to `span_s`, a round step apart."""
    step = time_step(span_s, most)
    return [round(i * step, 9) for i in range(math.floor(span_s / step + 1e-9) + 1)]


def round_above(value: float) -> float:
    """The smallest round number that is no less than `value` > 0."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(float(f"{power * factor:.6g}") for factor in ROUND_FACTORS if power * factor * (1 + 1e-9) >= value)
