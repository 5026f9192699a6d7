"""The account of the file: what it is, what came out of it, what a person should know."""

from __future__ import annotations

from pathlib import PurePosixPath

from tasks.artifacts.decode_report import DecodeReport
from tasks.report.dossier import Dossier
from tasks.report.markup import Child, join, tag
from tasks.report.section import Section
from tasks.report.words import clock, number, rate, size


def account(dossier: Dossier) -> Section:
    """Facts as a list of terms."""
    a = dossier.frames.decode_report
    start = float(dossier.frames.pts_s[0]) if len(dossier.frames) else 0.0
    facts: list[tuple[str, Child]] = [
        ("File", tag("span", a.file, class_="break")),
        ("Format", f"{a.codec} in {_container(a)}, {a.pixel_format}"),
        ("Size in the file", f"{size(a.source_width, a.source_height)} px"),
        ("Rotation", f"{a.rotation_deg}° clockwise, applied" if a.rotation_deg else "none"),
        ("Working size", f"{size(a.width, a.height)} px, kept as {a.encoding.upper()}"),
        ("Frame rate", f"{rate(a.fps)} per second, " + ("varying (VFR)" if a.vfr else "steady")),
        ("Duration", clock(a.duration_s, 0.01)),
        ("First frame at", clock(start, 0.001) if abs(start) >= 0.0005 else None),
    ]
    counts = [
        ("announced", a.expected, ""),
        ("decoded", a.decoded, ""),
        ("damaged", a.damaged, "warn"),
        ("lost", a.lost, "bad"),
        ("kept", a.kept, ""),
    ]
    rows = [
        tag("tr", tag("th", word, scope="row"), tag("td", number(amount, 1)), class_=mark if amount and mark else None)
        for word, amount, mark in counts
    ]
    body = join(
        [
            tag("dl", *(tag("div", tag("dt", term), tag("dd", fact)) for term, fact in facts if fact is not None)),
            tag("table", tag("caption", "Frames"), tag("tbody", *rows), class_="tally"),
        ]
    )
    return Section("account", "The file", "", body, width="narrow" if dossier.has_overlay else "full")


def _container(account: DecodeReport) -> str:
    """One name out of FFmpeg's list (`mov,mp4,m4a,...`): the file's own ending where it is among them."""
    names = account.container.split(",")
    ending = PurePosixPath(account.file).suffix.lstrip(".").lower()
    return ending if ending in names else names[0]
