"""The page of one video: its head and its sections in order.

A stage that wants a section writes one file in `sections` and one line in SECTIONS.
"""

from __future__ import annotations

from collections.abc import Callable

from tasks.report.dossier import Dossier
from tasks.report.header import header
from tasks.report.house import environment, script, style
from tasks.report.section import Section
from tasks.report.sections.account import account
from tasks.report.sections.actions import actions
from tasks.report.sections.counts import counts
from tasks.report.sections.data import data
from tasks.report.sections.field import field
from tasks.report.sections.key_frames import key_frames
from tasks.report.sections.meaning import meaning
from tasks.report.sections.motion import motion
from tasks.report.sections.overlay_player import overlay_player
from tasks.report.sections.portraits import portraits
from tasks.report.sections.poses import poses
from tasks.report.sections.scores import scores
from tasks.report.sections.sight import sight
from tasks.report.sections.timeline import timeline
from tasks.report.sections.track_table import track_table

SECTIONS: tuple[Callable[[Dossier], Section | None], ...] = (
    overlay_player,
    account,
    key_frames,
    portraits,
    timeline,
    counts,
    scores,
    poses,
    actions,
    sight,
    motion,
    meaning,
    field,
    track_table,
    data,
)
"""In the order of the page; None leaves a section out."""


def render(dossier: Dossier) -> str:
    """The whole page as HTML, without a reference to anything but the overlay video beside it."""
    sections = [section for write in SECTIONS if (section := write(dossier)) is not None]
    # Up one level per part of the video's name: a video below data/raw/day1 has its report below reports/day1.
    index = "../" * len(dossier.video.split("/")) + "index.html"
    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            title=dossier.video,
            header=header(dossier),
            sections=sections,
            index=index,
            style=style(dossier.colours_used),
            script=script(),
        )
    )
