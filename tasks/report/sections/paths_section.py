"""Paths of tracks over the first picture of the longest shot, and distances and speeds, without the camera's motion."""

from __future__ import annotations

import numpy as np

from tasks.report.camera_words import describe_camera
from tasks.report.colours import css_colour, track_colour
from tasks.report.formatting import DASH, format_clock, format_count, format_number
from tasks.report.inline_images import encode_jpeg, make_data_uri, shrink_image
from tasks.report.markup import Markup, join, tag
from tasks.report.paths import SMOOTHED_S, TrackPath, find_longest_shot, trace_paths
from tasks.report.report_data import ReportData
from tasks.report.section import Section
from tasks.report.sortable_cells import render_cell, render_head, render_track_button

GROUND_PX = 640
MAX_POINTS = 120  # of a path: a screen shows no more
MIN_REACH = 0.02  # of the picture's width: who stays is no path
MAX_PATHS = 40
MARGIN = 0.04  # of the picture's size
BEYOND = 1.0  # how far the drawing may reach beyond the picture, in picture sizes
HEADINGS = (
    ("track", "Identity, as in the table of tracks"),
    ("class", "Class given by the detector"),
    ("seconds", "Time for which it has boxes in this shot, its last frame included"),
    ("base path px", "Length of the path of its box's base, working-size pixels, without the camera's motion"),
    ("base speed px/s", "Base path over the time from its first place to its last"),
    ("base path H", "Base path in body heights (H: median over the person's poses), where there is a pose"),
    (
        "base speed H/s",
        "The same over time: mean speed of the base, body heights per second, without the camera's",
    ),
    ("straight px", "Distance from its first place to its last"),
)


def make_paths_section(data: ReportData) -> Section | None:
    """The picture and the table; None where nothing is tracked through a shot or no rows are asked for."""
    if not len(data.tracks) or not data.params.table_rows or not data.has_flow:
        return None
    paths = trace_paths(data.tracks, data.dense_flow, data.film_shots, data.edges_s)
    if not paths:
        return None
    ordered = sorted(paths, key=lambda path: (-path.length_px, path.track_id))
    first, stop = find_longest_shot(data.dense_flow, data.film_shots)
    start_s, end_s = data.edges_s[first], data.edges_s[stop]
    lead = (
        f"Where each track stood from {format_clock(start_s, 0.1)} to {format_clock(end_s, 0.1)}, the longest shot, in "
        "the picture of its first frame. A dot marks the end; ways far from the camera look short. A base is the "
        f"middle of a box's lower edge, over {SMOOTHED_S:g} s; its speed is a mean over the track, that of the hips "
        "(Steps and joints) a median over "
        f"poses. {describe_camera(data.dense_flow, first, stop)}"
    )
    return Section(
        "paths", "Paths, distances, speeds", lead, join([_drawing(data, ordered, first), _table(data, ordered)])
    )


def _drawing(data: ReportData, paths: list[TrackPath], first: int) -> Markup:
    width, height = data.frames.width, data.frames.height
    moved = [path for path in paths if path.reach_px >= MIN_REACH * width][:MAX_PATHS]
    places = np.concatenate([path.xy for path in moved]) if moved else np.zeros((0, 2))
    low = np.clip(places.min(axis=0, initial=0), -BEYOND * np.array([width, height]), 0)
    high = np.clip(places.max(axis=0, initial=0), [width, height], (1 + BEYOND) * np.array([width, height]))
    margin = MARGIN * (high - low)
    left, top = low - margin
    across, down = high - low + 2 * margin
    ground = _ground(data, first)
    lines = [mark for path in reversed(moved) for mark in _path(path)]
    names = f"Paths of {len(moved)} tracks; the table holds their lengths"
    return tag(
        "svg",
        ground,
        *lines,
        class_="ways",
        viewBox=f"{left:.0f} {top:.0f} {across:.0f} {down:.0f}",
        role="img",
        aria_label=names,
    )


def _ground(data: ReportData, first: int) -> Markup | None:
    if data.frames.status[first] == "lost":
        return None
    image = shrink_image(data.frames.image(first), GROUND_PX)
    return tag(
        "image",
        href=make_data_uri(encode_jpeg(image)),
        width=data.frames.width,
        height=data.frames.height,
        class_="ground",
    )


def _path(path: TrackPath) -> list[Markup]:
    step = -(-len(path.xy) // MAX_POINTS)
    places = np.concatenate([path.xy[:-1:step], path.xy[-1:]])
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    end = places[-1]
    colour = css_colour(track_colour(path.track_id))
    return [
        tag("path", d=line, class_="halo"),
        tag("path", tag("title", f"track {path.track_id}"), d=line, stroke=colour),
        tag("path", d=f"M{end[0]:.1f} {end[1]:.1f}h0", stroke=colour, class_="end"),
    ]


def _table(data: ReportData, paths: list[TrackPath]) -> Markup:
    heights = _body_heights(data)
    classes = {summary.track_id: summary.class_name for summary in data.track_summaries}
    head = render_head(HEADINGS, "base path px", "descending")
    rows = [
        _row(data, path, classes[path.track_id], heights.get(path.track_id, float("nan")))
        for path in paths[: data.params.table_rows]
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="sortable")
    more = len(paths) - len(rows)
    rest = f"The {len(rows)} longest paths are listed; {format_count(more, 'shorter one')} left out."
    scroll = tag("div", table, class_="scroll", tabindex="0", role="group", aria_label="Table of paths")
    return join([scroll, tag("p", rest, class_="more") if more else None])


def _row(data: ReportData, path: TrackPath, class_name: str, body_px: float) -> Markup:
    start_s = float(data.edges_s[path.frame[0]])
    seconds = path.seconds if path.seconds > 0 else float("nan")
    figures = (
        (float((data.edges_s[path.frame + 1] - data.edges_s[path.frame]).sum()), 3),
        (path.length_px, 1),
        (path.length_px / seconds, 1),
        (path.length_px / body_px, 2),
        (path.length_px / body_px / seconds, 2),
        (path.reach_px, 1),
    )
    return tag(
        "tr",
        render_cell(
            render_track_button(path.track_id, start_s, f"Track {path.track_id}: go to its start"), path.track_id
        ),
        tag("td", class_name, data_v=class_name, class_="words"),
        *(
            render_cell(format_number(value, digits) if np.isfinite(value) else DASH, value)
            for value, digits in figures
        ),
    )


def _body_heights(data: ReportData) -> dict[int, float]:
    """Track to its median body height, pixels; only those with one."""
    if data.kinematics is None:
        return {}
    found: dict[int, float] = {}
    for track_id in np.unique(data.kinematics.track_id):
        heights = data.kinematics.body_height[data.kinematics.track_id == track_id]
        if np.isfinite(heights).any():
            found[int(track_id)] = float(np.nanmedian(heights))
    return found
