"""Action recognition: labels of the whole video, of its windows over time, and Grad-CAM heat maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.artifacts.actions import STREAMS, ActionPrediction, Actions
from tasks.artifacts.table import NULL
from tasks.report.charts import format_percent, render_time_plot
from tasks.report.formatting import format_clock, format_count
from tasks.report.heatmap_overlay import crop_around, overlay_heatmap, render_colour_scale
from tasks.report.inline_images import encode_jpeg, make_data_uri, render_image, shrink_image
from tasks.report.markup import Markup, join, tag
from tasks.report.middle_samples import pick_middles
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message
from tasks.report.vocabulary_words import PRETRAINED, PRETRAINED_WORDS, VOCABULARY_WORDS

LABELS_SHOWN = 5
PICTURES = 6
MAX_ROWS = 12  # streams and people in the timeline
LONGEST_PX = 360
ROW_PX, BAR_PX = 30, 22
SCALE_PX = (160, 12)
STREAM_WORDS = {"rgb": "appearance", "flow": "motion", "fused": "fused streams"}
UNFAMILIAR_WORDS = "looks like nothing that was learned"
UNCERTAIN_WORDS = "shows no action of Kinetics-400 clearly"
Subject = tuple[str, int]
"""Stream and track, or NULL for the whole frame."""


def make_actions_section(data: ReportData) -> Section | None:
    """Labels, timeline and heat maps; a message where nothing could be classified, None without the stage."""
    table = data.actions
    if table is None:
        return None
    said = [*table.notes, *([PRETRAINED_WORDS] if (table.vocabulary == PRETRAINED).any() else [])]
    notes = tag("ul", *(tag("li", note) for note in said), class_="notes") if said else None
    if not len(table):
        return Section(
            "actions",
            "What is done, by window",
            "",
            render_message(" ".join(table.notes) or "No window could be classified."),
        )
    summary = table.summarise_streams()
    streams = tag("div", *(_stream_labels(table, ranked) for ranked in summary.values()), class_="verdicts")
    parts = [notes, streams, _timeline(data, table), _evidence(data, table)]
    return Section(
        "actions", "What is done, by window", " ".join(map(describe_prediction, summary.values())), join(parts)
    )


def describe_prediction(ranked: Sequence[ActionPrediction]) -> str:
    """The prediction of one stream for the whole video, the mean of its windows, as a sentence."""
    first = ranked[0]
    stream = f"{STREAM_WORDS[first.stream].capitalize()}, mean of all windows"
    if first.confident:
        return f"{stream}: {first.label} ({first.probability:.0%})."
    return f"{stream}: no confident label; the most probable is {first.label}, at {first.probability:.0%}."


def _stream_labels(table: Actions, ranked: Sequence[ActionPrediction]) -> Markup:
    """The most probable labels of one stream over all its windows, as bars."""
    first = ranked[0]
    count = int((table.best & (table.stream == first.stream)).sum())
    rows = [
        tag(
            "li",
            tag("span", each.label, class_="label"),
            tag("b", f"{each.probability:.0%}"),
            tag("i", style=f"width:{100 * each.probability:.1f}%", aria_hidden="true"),
        )
        for each in ranked[:LABELS_SHOWN]
    ]
    words = f"{VOCABULARY_WORDS.get(first.vocabulary, first.vocabulary)}, mean of {format_count(count, 'window')}"
    doubt = None if first.confident else tag("p", "no confident label", class_="doubt")
    heading = tag("h4", STREAM_WORDS[first.stream], tag("small", words))
    return tag("div", heading, doubt, tag("ol", *rows), class_="verdict" if first.confident else "verdict unsure")


def list_subjects(table: Actions) -> list[Subject]:
    """(stream, track) of all predictions, streams in order, the whole frame before people."""
    found = {(str(stream), int(track)) for stream, track in zip(table.stream, table.track_id, strict=True)}
    return sorted(found, key=lambda one: (STREAMS.index(one[0]), one[1]))


def _timeline(data: ReportData, table: Actions) -> Markup:
    rows = list_subjects(table)
    shown = rows[:MAX_ROWS]
    names = [
        tag("button", tag("span", f"{_who(track)}, {STREAM_WORDS[stream]}"), type="button", data_t="0.0000")
        for stream, track in shown
    ]
    chart = render_time_plot(
        data,
        ROW_PX * len(shown),
        f"Labels over time: {format_count(len(shown), 'row')} of stream and subject",
        [mark for place, subject in enumerate(shown) for mark in _bars(data, table, subject, place * ROW_PX)],
    )
    inside = [tag("div", *names, class_="names"), chart]
    words = (
        "Solid where the label is confident, pale where it is only the most probable; pointing at a bar says how "
        "probable. Click to jump there."
    )
    if table.unfamiliar.any():
        words += f" Dashed border: {UNFAMILIAR_WORDS}, so the label is only the nearest that there is."
    more = f" {format_count(len(rows) - len(shown), 'more row')} in the Parquet file." if len(rows) > len(shown) else ""
    return tag(
        "div", tag("div", *inside, class_="gantt", style=f"--row:{ROW_PX}px"), tag("p", words + more, class_="more")
    )


def _who(track_id: int) -> str:
    return "whole frame" if track_id == NULL else f"person {track_id}"


def _bars(data: ReportData, table: Actions, subject: Subject, top: int) -> list[Markup]:
    """One bar per window, which ends where the next begins."""
    mine = np.flatnonzero(table.best & (table.stream == subject[0]) & (table.track_id == subject[1]))
    starts = data.edges_s[table.first_frame[mine]]
    ends = np.minimum(data.edges_s[table.last_frame[mine] + 1], np.append(starts[1:], np.inf))
    span = data.span_s
    return [
        _bar(table, int(row), (float(a), float(b)), span, top) for row, a, b in zip(mine, starts, ends, strict=True)
    ]


def _bar(table: Actions, row: int, stretch: tuple[float, float], span: float, top: int) -> Markup:
    start_s, end_s = stretch
    words = f"{table.label[row]} {table.probability[row]:.0%}"
    strange = bool(table.unfamiliar[row])
    words += f"; {UNFAMILIAR_WORDS}" if strange else ""
    words += f"; {UNCERTAIN_WORDS}" if table.uncertain[row] else ""
    # A nested SVG clips the text at the end of the bar: a probability cut there would be another one.
    return tag(
        "svg",
        tag("title", f"{format_clock(start_s, 0.1)} to {format_clock(end_s, 0.1)}: {words}"),
        tag("rect", width="100%", height=BAR_PX, rx=4),
        tag("text", str(table.label[row]), x=6, y=BAR_PX - 7),
        x=format_percent(start_s / span),
        y=top + (ROW_PX - BAR_PX) / 2,
        width=format_percent((end_s - start_s) / span * 0.998),
        height=BAR_PX,
        class_=f"said {table.stream[row]}"
        + ("" if table.confident[row] else " unsure")
        + (" strange" if strange else ""),
    )


def _evidence(data: ReportData, table: Actions) -> Markup | None:
    mapped = np.flatnonzero(table.best & (table.cam_frame != NULL))
    streams = [stream for stream in STREAMS if (table.stream[mapped] == stream).any()]
    if not streams:
        return None
    chosen = [
        int(row)
        for stream in streams
        for row in pick_middles(mapped[table.stream[mapped] == stream], PICTURES // len(streams))
    ]
    bar = tag(
        "img",
        src=make_data_uri(encode_jpeg(render_colour_scale(*SCALE_PX))),
        width=SCALE_PX[0],
        height=SCALE_PX[1],
        alt="",
    )
    words = (
        "What the network looked at (Grad-CAM): the brighter the colour, the more a region supports the label in this "
        "frame; dark regions are outside of what it was shown."
    )
    return tag(
        "div",
        tag("div", *(_picture(data, table, row) for row in chosen), class_="moments evidence"),
        tag("p", tag("span", "none"), bar, tag("span", "most"), class_="legend heat"),
        tag("p", words, class_="more"),
    )


def _picture(data: ReportData, table: Actions, row: int) -> Markup:
    frame = int(table.cam_frame[row])
    square = table.xyxy[row]
    seen = shrink_image(
        crop_around(overlay_heatmap(data.frames.image(frame), square, table.cam_map(row)), square), LONGEST_PX
    )
    time_s = float(data.edges_s[frame])
    label = f"{table.label[row]} {table.probability[row]:.0%}"
    where = f"{format_clock(time_s, 0.1)}, {STREAM_WORDS[table.stream[row]]}, {_who(int(table.track_id[row]))}"
    return tag(
        "button",
        render_image(seen, f"Evidence for {label}"),
        tag("span", tag("b", label), tag("span", where), class_="caption"),
        type="button",
        data_t=f"{time_s:.4f}",
        aria_label=f"Go to {where}: {label}",
    )
