"""The input file: format, size and rate, and the counts of its decoding."""

from __future__ import annotations

from pathlib import PurePosixPath

from tasks.artifacts.decode_report import DecodeReport
from tasks.report.formatting import format_clock, format_number, format_rate, format_size
from tasks.report.markup import Child, join, tag
from tasks.report.page_header import is_hurt, render_notes
from tasks.report.report_data import ReportData
from tasks.report.section import Section


def make_file_section(data: ReportData) -> Section:
    """The decode report as a list of terms and a table of frame counts."""
    a = data.frames.decode_report
    start = float(data.frames.pts_s[0]) if len(data.frames) else 0.0
    facts: list[tuple[str, Child]] = [
        ("File", tag("span", a.file, class_="break")),
        ("Format", f"{a.codec} in {_container(a)}, {a.pixel_format}"),
        ("Size in the file", f"{format_size(a.source_width, a.source_height)} px"),
        ("Rotation", f"{a.rotation_deg}° clockwise, applied" if a.rotation_deg else "none"),
        ("Working size", f"{format_size(a.width, a.height)} px, images as {a.encoding.upper()}"),
        ("Frame rate", f"{format_rate(a.fps)} per second, " + ("varying (VFR)" if a.vfr else "steady")),
        ("Duration", format_clock(a.duration_s, 0.01)),
        ("First frame at", format_clock(start, 0.001) if abs(start) >= 0.0005 else None),  # noqa: PLR2004  half a millisecond
    ]
    counts = [
        ("announced", a.expected, ""),
        ("decoded", a.decoded, ""),
        ("damaged", a.damaged, "warn"),
        ("lost", a.lost, "bad"),
        ("kept", a.kept, ""),
    ]
    rows = [
        tag(
            "tr",
            tag("th", word, scope="row"),
            tag("td", format_number(amount, 1)),
            class_=mark if amount and mark else None,
        )
        for word, amount, mark in counts
    ]
    body = join(
        [
            tag("dl", *(tag("div", tag("dt", term), tag("dd", fact)) for term, fact in facts if fact is not None)),
            tag("table", tag("caption", "Frames"), tag("tbody", *rows), class_="tally"),
            None if is_hurt(data) else render_notes(data),
        ]
    )
    return Section("account", "Input file", "", body, width="wide" if len(data.detections) else "full")


def _container(account: DecodeReport) -> str:
    """One name of FFmpeg's list (`mov,mp4,m4a,...`): the file's extension where it is among them."""
    names = account.container.split(",")
    ending = PurePosixPath(account.file).suffix.lstrip(".").lower()
    return ending if ending in names else names[0]
