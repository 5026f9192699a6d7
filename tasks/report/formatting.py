"""Formatting of times, counts, sizes and rates as text."""

from __future__ import annotations

import math

TIMES, DASH = "\u00d7", "\u2013"  # multiplication sign and en dash, by number because they look like x and -


def format_clock(seconds: float, resolution_s: float = 1.0) -> str:
    """`m:ss`, `h:mm:ss` from an hour on, with as many decimals as `resolution_s` asks for; what is below is cut off.

    Cut and not rounded, so that no moment stands after the end of its film.
    """
    decimals = max(0, -math.floor(math.log10(resolution_s) + 1e-9))
    units = math.floor(seconds * 10**decimals + 1e-6)
    whole, part = divmod(units, 10**decimals)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{part:0{decimals}d}" if decimals else text


def format_number(value: float, digits: int = 3) -> str:
    """`value` with `digits` significant ones at least, thousands set apart; a dash where it is not finite."""
    if not math.isfinite(value):
        return DASH
    whole = len(str(int(abs(value))))
    return f"{value:,.{max(0, digits - whole)}f}".replace(",", "\u202f")


def format_duration(seconds: float) -> str:
    """A length of time in words: `0.4 s`, `10 s`, `3 min 20 s`, `2 min`, `1 h 05 min`."""
    if seconds < 10:  # noqa: PLR2004  seconds
        return f"{seconds:.1f} s" if seconds >= 0.1 else f"{seconds:.2f} s"  # noqa: PLR2004  seconds
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004  seconds in a minute
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004  minutes in an hour
        return f"{minutes} min {second:02d} s" if second else f"{minutes} min"
    hours, minute = divmod(minutes, 60)
    return f"{hours} h {minute:02d} min" if minute else f"{hours} h"


def format_count(amount: int, noun: str, plural: str | None = None) -> str:
    """`1 track`, `2 tracks`."""
    return f"{format_number(amount, 1)} {noun if amount == 1 else plural or noun + 's'}"


def format_size(width: int, height: int) -> str:
    """Pixels across and down."""
    return f"{width} {TIMES} {height}"


def format_rate(fps: float) -> str:
    """Frames per second without idle decimals: `30`, `29.97`, `12.5`; slow ones to two digits: `0.00067`."""
    decimals = 2 if fps <= 0 else max(2, 1 - math.floor(math.log10(fps)))
    return f"{fps:.{decimals}f}".rstrip("0").rstrip(".")
