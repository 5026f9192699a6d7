"""How people stand and move: skeletons, knees over time, the stride of those who walk, and everybody in figures."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.poses import Poses
from tasks.report.colours import css, track_colour
from tasks.report.dossier import Dossier
from tasks.report.leg_charts import feet_over_time, knees_over_time, stride_chart
from tasks.report.markup import Markup, join, tag
from tasks.report.overlay.canvas import Canvas
from tasks.report.overlay.skeletons import draw_skeletons
from tasks.report.people import Person, people, strides
from tasks.report.people_table import people_table
from tasks.report.picture import data_uri, jpeg, shrink
from tasks.report.section import Section, nothing
from tasks.report.spread import spread
from tasks.report.words import clock, count, number

PICTURES = 6  # at most, and no more than key frames
LONGEST_PX = 560  # thin lines take more pixels than a picture at a glance
DRAWN = 4  # people whose knees are drawn: those who walk most, then those with most poses
PERSON = "person"


def poses(dossier: Dossier) -> Section | None:
    """Pictures, curves and figures; a sentence where nobody has a pose, None where poses were not estimated."""
    if dossier.poses is None or dossier.kinematics is None:
        return None
    if not len(dossier.poses):
        return Section("poses", "How people move", "", nothing(_why_nothing(dossier)))
    everybody = people(dossier.kinematics, dossier.tracks, dossier.frames.ok)
    parts = [
        _pictures(dossier, dossier.poses),
        _side_legend(),
        tag("div", *(_curves(dossier, dossier.kinematics, person) for person in everybody[:DRAWN]), class_="people"),
        people_table(dossier, everybody, [float(dossier.edges_s[_frames(dossier.poses, p)[0]]) for p in everybody]),
    ]
    return Section("poses", "How people move", sentence(dossier, dossier.poses, everybody), join(parts))


def sentence(dossier: Dossier, found: Poses, everybody: tuple[Person, ...]) -> str:
    """How many people, how much of them, and who walks, in words."""
    tracked = int(((dossier.tracks.class_name == PERSON) & dossier.frames.ok[dossier.tracks.frame]).sum())
    walkers = [person for person in everybody if person.steps]
    share = f"{len(found) / tracked:.0%} of the frames in which they are tracked" if tracked else "their frames"
    if not walkers:
        walks = "nobody takes enough even steps in a row to be called walking"
    elif len(walkers) == 1:
        walks = f"one walks, at {number(walkers[0].cadence, 1)} steps a minute"
    else:
        low, high = (f([person.cadence for person in walkers]) for f in (min, max))
        walks = f"{len(walkers)} walk, at {number(low, 1)} to {number(high, 1)} steps a minute"
    return (
        f"{count(len(everybody), 'person', 'people')} with a pose in {share}; {walks}. "
        "Angles and lengths are those that the camera sees; lengths are in body heights (H), as metres are unknown."
    )


def _why_nothing(dossier: Dossier) -> str:
    if not (dossier.tracks.class_name == PERSON).any():
        return "Nobody was tracked in this video, so there is no pose to show."
    return "People were tracked, but none shows enough of the body to tell a pose: too small, blurred or hidden."


def _frames(found: Poses, person: Person) -> np.ndarray:
    return found.frame[person.rows]


def _pictures(dossier: Dossier, found: Poses) -> Markup | None:
    chosen = spread(np.unique(found.frame).astype(np.intp), min(PICTURES, dossier.params.key_frames))
    if not len(chosen):
        return None
    pictures = [_picture(dossier, found, int(frame)) for frame in chosen]
    return tag("div", *pictures, class_="skeletons")


def _picture(dossier: Dossier, found: Poses, frame: int) -> Markup:
    canvas = Canvas(dossier.frames.width, dossier.frames.height)
    drawn = canvas.prepare(dossier.frames.image(frame))
    draw_skeletons(drawn, canvas, found, frame)
    small = shrink(drawn, LONGEST_PX)
    height, width = small.shape[:2]
    time_s = float(dossier.edges_s[frame])
    when = clock(time_s, 0.1)
    return tag(
        "button",
        tag("img", src=data_uri(jpeg(small)), width=width, height=height, alt=f"Frame {frame}", loading="lazy"),
        tag("span", when, class_="when"),
        type="button",
        data_t=f"{time_s:.4f}",
        aria_label=f"Go to {when}, frame {frame} with skeletons",
    )


def _side_legend() -> Markup:
    kinds = (("left", "the person's left"), ("right", "the person's right"))
    marks = [(tag("i", class_=f"swatch {kind}", aria_hidden="true"), words) for kind, words in kinds]
    return tag("p", *(part for mark in marks for part in mark), class_="legend")


def _curves(dossier: Dossier, kinematics: Kinematics, person: Person) -> Markup | None:
    """The legs of one person: knees over time, and where it walks feet over time and knees over a stride."""
    knees = knees_over_time(dossier, kinematics, person)
    if knees is None:
        return None
    curves = {side: strides(kinematics, person, side) for side in ("left", "right")}
    words = [f"Person {person.track_id}"]
    if person.steps:
        words.append(f"{count(person.steps, 'step')} at {number(person.cadence, 1)} a minute")
    title = tag(
        "h3",
        tag("i", class_="dot", style=f"background:{css(track_colour(person.track_id))}", aria_hidden="true"),
        " · ".join(words),
    )
    charts = (
        knees,
        feet_over_time(dossier, kinematics, person),
        stride_chart(curves) if any(map(len, curves.values())) else None,
    )
    # Who walks takes the whole width for three charts, the others stand side by side.
    return tag("div", title, tag("div", *charts, class_="legs"), class_="person walks" if person.steps else "person")
