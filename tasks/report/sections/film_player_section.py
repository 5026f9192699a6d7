"""The film with its layers, controls and timeline; the scripts in `film/` bring them to life."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from tasks.artifacts.report import Report
from tasks.report.inline_images import encode_jpeg, make_data_uri, shrink_image
from tasks.report.overlay.plain_film import film_size
from tasks.report.page_template import make_environment
from tasks.report.report_data import ReportData
from tasks.report.section import Section

SPEEDS = (("¼", 0.25), ("½", 0.5), ("1", 1), ("2", 2))
POSTER_PX = 640
SHORTCUTS = (
    ("space", "play or pause"),
    ("← →", "one frame back or on; with Shift one second"),
    ("Home End", "first and last frame"),
    ("[ ]", "pick the previous or next track in the picture"),
    ("f", "follow the picked track"),
    ("c", "a second picture beside the first, of another moment or track"),
    ("Esc", "pick none"),
    ("1 to 7", "boxes, names, trails, skeletons, field, masks, motion"),
    ("+ - 0", "zoom the timeline; the whole film"),
    ("l", "copy a link to this moment"),
)


@dataclass(frozen=True)
class LayerButton:
    """A layer over the film that can be switched."""

    name: str
    """As in the scripts."""
    label: str
    hint: str
    key: int
    there: bool
    """Whether the film has any of it."""
    on: bool
    """Whether it is shown at first."""


def make_film_player_section(data: ReportData) -> Section | None:
    """The player, or None where there is no film."""
    if not data.has_film:
        return None
    width, height = film_size(data)
    body = (
        make_environment()
        .get_template("film_player.html.jinja")
        .render(
            video=data.video,
            film=Report.FILM,
            poster=_make_poster(data),
            width=width,
            height=height,
            layers=list_layers(data),
            speeds=SPEEDS,
            shortcuts=SHORTCUTS,
            rows=data.params.timeline_rows,
            faulty=bool(data.faults),
        )
    )
    return Section(
        "film",
        "Film",
        "Solid boxes were detected, dashed ones filled in between; the line behind a box is its recent path. "
        "Left limbs are orange, right ones blue." + _explain_wedges(data),
        Markup(body),  # safe: rendered by a template that escapes
    )


def _explain_wedges(data: ReportData) -> str:
    """What the row of shots draws, where it draws more than cuts."""
    kinds = {*data.film_shots.transition.tolist()} & {"fade", "dissolve"}
    if not kinds:
        return ""
    words = {"fade": "a high wedge is a fade", "dissolve": "a low one a dissolve"}
    if kinds == {"dissolve"}:
        words["dissolve"] = "a low wedge is a dissolve"
    return f" In the row of shots a gap is a cut, {', '.join(words[kind] for kind in words if kind in kinds)}."


def list_layers(data: ReportData) -> list[LayerButton]:
    """The layers in the order of their keys."""
    tracks, poses = len(data.tracks) > 0, data.poses is not None and len(data.poses) > 0
    field = data.semantic_field is not None and len(data.semantic_field) > 0
    masks = data.masks is not None and bool((data.masks.area > 0).any())
    rows = (
        ("boxes", "Boxes", "Boxes of tracks", tracks, True),
        ("names", "Names", "Class and number of each track", tracks, True),
        ("trails", "Trails", "Recent path of each track, whole path of the picked one", tracks, True),
        ("skeletons", "Skeletons", "Keypoints of people, smoothed over time", poses, True),
        (
            "field",
            "Field",
            "What every pixel shows (person, sky …); between two label maps the nearest, paler",
            field,
            False,
        ),
        ("masks", "Masks", "The outlines of tracked people and things, filled with their colour", masks, masks),
        (
            "arrows",
            "Motion",
            "How the picture moves: arrows, three times as long as it",
            data.has_flow,
            False,
        ),
    )
    return [
        LayerButton(name, label, hint, key, there, shown)
        for key, (name, label, hint, there, shown) in enumerate(rows, start=1)
    ]


def _make_poster(data: ReportData) -> str:
    """What shows until the film plays: its first whole frame."""
    whole = np.flatnonzero(data.frames.ok)
    if not len(whole):
        return ""
    return make_data_uri(encode_jpeg(shrink_image(data.frames.image(int(whole[0])), POSTER_PX)))
