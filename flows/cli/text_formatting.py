"""Format durations, sizes, amounts and names for the terminal."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping

from flows.engine.outcome import Item
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.progress import BYTES_REMARK

MINUTE, HOUR, DAY = 60, 3600, 86400
SECONDS_UP_TO = 120
"""Durations below this many seconds are shown in seconds."""
ONE_DECIMAL_BELOW = 10
"""Numbers below this are shown with one decimal place."""
KILO = 1000
UNITS = ("B", "kB", "MB", "GB", "TB")
SHOWN_CONTROLS = "\n\t"


def format_duration(seconds: float) -> str:
    """Text like "3.2 s", "61 s", "12 min", "2 h 05 min", "3 d 4 h"."""
    if seconds < ONE_DECIMAL_BELOW:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < SECONDS_UP_TO:
        return f"{whole} s"
    if whole < 10 * MINUTE:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    minutes = round(seconds / MINUTE)
    if minutes < MINUTE:
        return f"{minutes} min"
    hours = round(seconds / HOUR)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes < 24 * 60 else f"{hours // 24} d {hours % 24} h"


def format_stopwatch(seconds: float) -> str:
    """Text like "0:07", "12:30", "1:02:03"."""
    whole = int(seconds)
    minutes = f"{whole // MINUTE}:{whole % MINUTE:02d}"
    return minutes if whole < HOUR else f"{whole // HOUR}:{whole % HOUR // MINUTE:02d}:{whole % MINUTE:02d}"


def format_rate(count: float, seconds: float) -> str:
    """Items per second, minute or hour, the first that is at least 1; "" without items."""
    if not count or seconds <= 0:
        return ""
    for unit, length in (("s", 1), ("min", MINUTE), ("h", HOUR)):
        if (found := count / seconds * length) >= 1 or unit == "h":
            return f"{found:.{1 if found < ONE_DECIMAL_BELOW else 0}f} items/{unit}"
    raise AssertionError("the last unit always returns")


def format_size(count: float) -> str:
    """Text like "0 B", "640 kB", "5.6 MB"; decimal units."""
    power = min(int(math.log(count, KILO)), len(UNITS) - 1) if count >= 1 else 0
    number = count / KILO**power
    if round(number) >= KILO and power < len(UNITS) - 1:
        number, power = number / KILO, power + 1
    return f"{number:.{1 if power and number < ONE_DECIMAL_BELOW else 0}f} {UNITS[power]}"


def format_amount(done: float, total: float, remark: str = "") -> str:
    """Text like "3/10", or "5.6/11.1 MB" where the remark is BYTES_REMARK; an infinite total is left out."""
    if remark == BYTES_REMARK:
        done, total = done / 1e6, total / 1e6
        return f"{done:.1f} MB" if math.isinf(total) else f"{done:.1f}/{total:.1f} MB"
    return f"{done:.0f}" if math.isinf(total) else f"{done:.0f}/{total:.0f}"


def filter_remark(remark: str) -> str:
    """The remark; "" where it is BYTES_REMARK, which is not for display."""
    return "" if remark == BYTES_REMARK else remark


def format_counts(counts: Mapping[str, int]) -> str:
    """Text like "3 computed, 1 failed", without zero counts."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def format_video_name(item: Item) -> str:
    """The name of the item's video for display."""
    return "(dataset)" if item.video == DATASET_ITEM else escape_controls(item.video)


def escape_controls(text: str) -> str:
    """`text` with control and unencodable characters escaped; line feeds and tabs are kept."""
    if text.isprintable():
        return text
    return "".join(c if c in SHOWN_CONTROLS or not _steers(c) else repr(c)[1:-1] for c in text)


def _steers(character: str) -> bool:
    """Whether it is a control character, a bidirectional mark, or a lone surrogate."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs")


def join_lines(text: str) -> str:
    """`text`, printable, with white space collapsed to single spaces."""
    return " ".join(escape_controls(text).split())
