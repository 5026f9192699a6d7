"""The page of one video: its head, the film with its timeline, and sections grouped by the questions they answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tasks.artifacts.report import Report
from tasks.report.page_header import describe_missing_film, render_figures, render_header
from tasks.report.page_template import make_environment, make_style, read_script
from tasks.report.page_words import render_page_words
from tasks.report.report_data import ReportData
from tasks.report.section import Section
from tasks.report.sections.actions_section import make_actions_section
from tasks.report.sections.counts_section import make_counts_section
from tasks.report.sections.data_section import make_data_section
from tasks.report.sections.feature_section import make_feature_section
from tasks.report.sections.file_section import make_file_section
from tasks.report.sections.film_player_section import make_film_player_section
from tasks.report.sections.key_frames_section import make_key_frames_section
from tasks.report.sections.motion_section import make_motion_section
from tasks.report.sections.paths_section import make_paths_section
from tasks.report.sections.pose_section import make_pose_section
from tasks.report.sections.score_section import make_score_section
from tasks.report.sections.semantic_field_section import make_semantic_field_section
from tasks.report.sections.semantic_flow_section import make_semantic_flow_section
from tasks.report.sections.timeline_section import make_timeline_section
from tasks.report.sections.track_gallery import make_track_gallery
from tasks.report.sections.track_table_section import make_track_table_section

INDEX = "../index.html"
"""The index page: folders of films do not nest, whatever folder of data/raw a film is in."""
SectionMaker = Callable[[ReportData], Section | None]


@dataclass(frozen=True)
class SectionGroup:
    """Sections under one heading, for one kind of question; left out where none of them has anything to say."""

    anchor: str
    title: str
    lead: str
    """Which questions it answers, in a sentence."""
    makers: tuple[SectionMaker, ...]


GROUPS = (
    SectionGroup(
        "movement",
        "Movement",
        "How people move: steps, joint angles, speeds, left against right.",
        (make_pose_section, make_paths_section),
    ),
    SectionGroup(
        "tracking",
        "Tracks",
        "Who and what is in the film, when, and for how long.",
        (make_track_gallery, make_timeline_section, make_counts_section, make_track_table_section),
    ),
    SectionGroup(
        "doing", "Actions", "What is being done, by appearance, by motion and by both.", (make_actions_section,)
    ),
    SectionGroup(
        "correspondence",
        "Correspondence",
        "Which place of one frame is which place of another: optical flow, features, semantic matches.",
        (make_motion_section, make_semantic_flow_section, make_feature_section),
    ),
    SectionGroup("maps", "Field", "Which class every pixel belongs to, over time.", (make_semantic_field_section,)),
    SectionGroup(
        "quality",
        "File and quality",
        "What came in, what of it is damaged or lost, and how sure the detector was.",
        (make_file_section, make_score_section, make_key_frames_section),
    ),
    SectionGroup(
        "files",
        "Data",
        "Where the figures of this page are stored, how to read them, how they were made.",
        (make_data_section,),
    ),
)
"""In the order of the page. A stage that wants a section writes one file in `sections` and one line here."""


@dataclass(frozen=True)
class FilledGroup:
    """A group with the sections that this video has."""

    group: SectionGroup
    sections: tuple[Section, ...]


def fill_groups(data: ReportData) -> list[FilledGroup]:
    """Every group that has a section for this video."""
    filled = [
        FilledGroup(group, tuple(section for make in group.makers if (section := make(data)) is not None))
        for group in GROUPS
    ]
    return [one for one in filled if one.sections]


def render_page(data: ReportData) -> str:
    """The whole page as HTML, without a reference to anything but the film and its data beside it."""
    return (
        make_environment()
        .get_template("page.html.jinja")
        .render(
            title=data.video,
            header=render_header(data),
            figures=render_figures(data),
            player=make_film_player_section(data),
            groups=fill_groups(data),
            index=INDEX,
            words=render_page_words(),
            still_words=describe_missing_film(data),
            style=make_style(data.used_slots),
            script=read_script(),
            film_script=Report.FILM_SCRIPT if data.has_film else None,
            overlay=Report.OVERLAY if data.has_overlay else None,
        )
    )
