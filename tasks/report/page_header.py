"""The header of the page (the video's name, a description), and its key figures with notes on decoding."""

from __future__ import annotations

from tasks.report.film_summary import summarise_film
from tasks.report.formatting import format_clock, format_duration, format_number, format_rate, format_size
from tasks.report.markup import Markup, join, tag
from tasks.report.report_data import ReportData
from tasks.report.sections.counts_section import count_per_frame

CLASSES_NAMED = 3  # of the tracks; all others are counted together


def render_header(data: ReportData) -> Markup:
    """The header: name, the film in sentences, its file, and notes where frames are damaged or lost."""
    return join(
        [
            tag("h1", data.video),
            tag("p", summarise_film(data), class_="lead"),
            tag("p", describe_video(data), " ", tag("a", "What do the words mean?", href="#words"), class_="more"),
            render_notes(data) if is_hurt(data) else None,
        ]
    )


def render_figures(data: ReportData) -> Markup:
    """Key figures."""
    return tag("dl", *(_figure(*figure) for figure in _figures(data)), class_="figures")


def describe_video(data: ReportData) -> str:
    """The decode report in sentences."""
    a = data.frames.decode_report
    if not a.kept:
        return f"No frame came out of this file, of {format_number(a.expected, 1)} announced."
    pace = (
        f"{format_rate(a.fps)} frames per second on average, its pace varying"
        if a.vfr
        else f"{format_rate(a.fps)} frames per second"
    )
    turned = f", turned {a.rotation_deg}° clockwise as the file asks" if a.rotation_deg else ""
    said = [
        f"{format_duration(a.duration_s)} of video, {format_size(a.source_width, a.source_height)} pixels "
        f"at {pace}{turned}."
    ]
    if a.damaged or a.lost:
        wrong = [f"{format_number(a.damaged, 1)} came out damaged"] if a.damaged else []
        wrong += [f"{format_number(a.lost, 1)} {'was' if a.lost == 1 else 'were'} lost"] if a.lost else []
        said.append(f"Of {format_number(a.expected, 1)} frames announced, {' and '.join(wrong)}.")
    elif a.decoded == a.expected:
        said.append(
            f"All {format_number(a.decoded, 1)} frames came out whole."
            if a.decoded > 1
            else "Its one frame came out whole."
        )
    else:
        said.append(
            f"{format_number(a.decoded, 1)} frames came out whole; the file announces {format_number(a.expected, 1)}."
        )
    if a.kept != a.decoded + a.lost:
        said.append(f"{format_number(a.kept, 1)} of them are kept at the working rate.")
    return " ".join(said)


def describe_missing_film(data: ReportData) -> str | None:
    """Why the page has no film and what stands for it, as a sentence; None where it has one."""
    if data.has_film:
        return None
    if not len(data.frames):
        return "There is no film here, since no frame came out of the file."
    return (
        "There is no film here, since `report.film` is false: the pictures on this page are stills, JPEG copies of "
        "single frames at working size or smaller."
    )


def is_hurt(data: ReportData) -> bool:
    """Whether frames are damaged or lost."""
    return bool(data.frames.decode_report.damaged or data.frames.decode_report.lost)


def render_notes(data: ReportData) -> Markup | None:
    """Notes on decoding: in the header where frames are hurt, else with the other facts of the file."""
    a = data.frames.decode_report
    kind = "notes hurt" if is_hurt(data) else "notes"
    return tag("ul", *(tag("li", note) for note in a.notes), class_=kind) if a.notes else None


def _figures(data: ReportData) -> list[tuple[str, str, str]]:
    """(name, value, remark)."""
    frames, found = data.frames, count_per_frame(data)
    whole = int(frames.ok.sum())
    remark = "all whole" if whole == len(frames) > 0 else f"{format_number(whole, 1)} whole"
    figures = [
        ("Duration", format_duration(data.span_s), f"{format_number(len(frames), 1)} frames, {remark}"),
        ("Detections", format_number(len(data.detections), 1), _per_frame(len(data.detections), whole)),
        ("Tracks", format_number(len(data.track_summaries), 1), count_classes(data) or "none"),
    ]
    if found:
        peak = int(found[0].amounts.argmax())
        when = format_clock(float(data.edges_s[peak]), 0.1)
        figures.append(("Most at once", str(int(found[0].amounts.max())), f"{found[0].class_name}, at {when}"))
        longest = data.track_summaries[0]
        figures.append(
            ("Longest track", format_duration(longest.present_s), f"{longest.class_name} {longest.track_id}")
        )
    return figures


def _per_frame(amount: int, frames: int) -> str:
    return f"{format_number(amount / frames, 2)} per frame, weak ones too" if amount else "none"


def count_classes(data: ReportData) -> str:
    """`12 person, 3 car and 4 more`: tracks per class, the most frequent first, so that all add up to the tracks."""
    kinds: dict[str, int] = {}
    for summary in data.track_summaries:
        kinds[summary.class_name] = kinds.get(summary.class_name, 0) + 1
    ranked = sorted(kinds.items(), key=lambda kv: (-kv[1], kv[0]))
    named = [f"{format_number(amount, 1)} {kind}" for kind, amount in ranked[:CLASSES_NAMED]]
    rest = sum(amount for _, amount in ranked[CLASSES_NAMED:])
    return ", ".join(named) + (f" and {format_number(rest, 1)} more" if rest else "")


def _figure(name: str, value: str, remark: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value), tag("dd", remark, class_="remark"))
