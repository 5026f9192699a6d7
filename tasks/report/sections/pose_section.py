"""Poses and gait: skeletons, knee angles over time, the gait curve of those who walk, and a table of people."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import Poses
from tasks.report.camera_words import describe_hip_speeds
from tasks.report.formatting import format_count, format_number
from tasks.report.frame_button import render_frame_button
from tasks.report.gait_charts import render_feet_over_time, render_knees_over_time, render_stride_chart
from tasks.report.inline_images import render_image, shrink_image
from tasks.report.markup import Markup, join, tag
from tasks.report.middle_samples import pick_middles
from tasks.report.overlay.drawing_canvas import Canvas
from tasks.report.overlay.skeletons import draw_skeletons
from tasks.report.people_table import render_people_table
from tasks.report.person_motion import MIN_POSES, PersonMotion, collect_strides, count_knee_poses, summarise_people
from tasks.report.report_data import ReportData
from tasks.report.section import Section, render_message
from tasks.report.sortable_cells import render_track_dot

PICTURES = 6  # at most, and no more than key frames
LONGEST_PX = 560  # thin lines take more pixels than a picture at a glance
DRAWN = 4  # people whose knees are drawn: those who walk most, then those with most poses
PERSON = "person"


def make_pose_section(data: ReportData) -> Section | None:
    """Skeletons, charts and table; a message where nobody has a pose, None where poses were not estimated."""
    if data.poses is None or data.kinematics is None:
        return None
    if not len(data.poses):
        return Section("poses", "Steps and joints", "", render_message(_explain_missing_poses(data)))
    everybody = summarise_people(data.kinematics, data.tracks, data.frames.ok)
    enough = [person for person in everybody if count_knee_poses(data.kinematics, person) >= MIN_POSES]
    parts = [
        _pictures(data, data.poses),
        _side_legend(),
        tag("div", *(_curves(data, data.kinematics, person) for person in enough[:DRAWN]), class_="people"),
        _name_rest(len(everybody) - len(enough[:DRAWN])),
        render_people_table(data, everybody, [float(data.edges_s[_frames(data.poses, p)[0]]) for p in everybody]),
    ]
    lead = describe_people(data, data.poses, everybody)
    camera = describe_hip_speeds(data.dense_flow, len(data.frames)) if data.has_flow else None
    return Section("poses", "Steps and joints", f"{lead} {camera}" if camera else lead, join(parts))


def describe_people(data: ReportData, found: Poses, everybody: tuple[PersonMotion, ...]) -> str:
    """Number of people with poses, their coverage, and who walks, as sentences."""
    tracked = int(((data.tracks.class_name == PERSON) & data.frames.ok[data.tracks.frame]).sum())
    walkers = [person for person in everybody if person.steps]
    share = f"{len(found) / tracked:.0%} of their frames" if tracked else "their frames"
    if not walkers:
        walks = "no walk detected: too few regular steps in a row"
    elif len(walkers) == 1:
        walks = f"one walks, at {format_number(walkers[0].cadence, 1)} steps per minute"
    else:
        low, high = (f([person.cadence for person in walkers]) for f in (min, max))
        walks = f"{len(walkers)} walk, at {format_number(low, 1)} to {format_number(high, 1)} steps per minute"
    return (
        f"{format_count(len(everybody), 'track of a person', 'tracks of people')}, with a pose in {share}; {walks}. "
        "Bends of knees, hips and elbows count from straight, which is 0° (the Parquet file holds the angle: 180° less "
        f"the bend); angles and speeds stand in the table from {MIN_POSES} poses on. Angles and lengths are 2D, in the "
        "image. Metres are unknown: H is a body height, estimated from the lengths of trunk, thigh and shank within a "
        "second of each frame, so that it follows people who come nearer."
    )


def _name_rest(more: int) -> Markup | None:
    """Of how many there is no chart."""
    if not more:
        return None
    words = f"Charts are of up to {DRAWN} with most steps, then most poses; for {more} more, pick one in the film."
    return tag("p", words, class_="more")


def _explain_missing_poses(data: ReportData) -> str:
    if not (data.tracks.class_name == PERSON).any():
        return "Nobody was tracked in this video, so there is no pose to show."
    return "People were tracked, but none shows enough of the body for a pose: too small, blurred or occluded."


def _frames(found: Poses, person: PersonMotion) -> np.ndarray:
    return found.frame[person.rows]


def _pictures(data: ReportData, found: Poses) -> Markup | None:
    chosen = pick_middles(np.unique(found.frame).astype(np.intp), min(PICTURES, data.params.key_frames))
    if not len(chosen) or data.has_film:  # the film itself shows them
        return None
    pictures = [_picture(data, found, int(frame)) for frame in chosen]
    return tag("div", *pictures, class_="skeletons")


def _picture(data: ReportData, found: Poses, frame: int) -> Markup:
    canvas = Canvas(data.frames.width, data.frames.height)
    drawn = canvas.prepare_image(data.frames.image(frame))
    draw_skeletons(drawn, canvas, found, frame)
    small = shrink_image(drawn, LONGEST_PX)
    return render_frame_button(data, frame, render_image(small, f"Frame {frame}"), subject=" with skeletons")


def _side_legend() -> Markup:
    kinds = (("left", "the person's left"), ("right", "the person's right"))
    marks = [(tag("i", class_=f"swatch {kind}", aria_hidden="true"), words) for kind, words in kinds]
    return tag("p", *(part for mark in marks for part in mark), class_="legend")


def _curves(data: ReportData, kinematics: Kinematics, person: PersonMotion) -> Markup | None:
    """The legs of one person: knees over time, and where it walks feet over time and knees over a stride."""
    knees = render_knees_over_time(data, kinematics, person)
    if knees is None:
        return None
    curves = {side: collect_strides(kinematics, person, side) for side in ("left", "right")}
    words = [f"Person {person.track_id}"]
    if person.steps:
        words.append(f"{format_count(person.steps, 'step')} at {format_number(person.cadence, 1)} per minute")
    title = tag(
        "h4",
        render_track_dot(person.track_id),
        " · ".join(words),
    )
    charts = (
        knees,
        render_feet_over_time(data, kinematics, person),
        render_stride_chart(curves) if any(map(len, curves.values())) else None,
    )
    # People who walk have three charts over the whole width; others are placed side by side.
    return tag("div", title, tag("div", *charts, class_="legs"), class_="person walks" if person.steps else "person")
