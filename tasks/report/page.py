"""The page of one video: its head and its sections in order.

A stage that wants a section writes one file in `sections` and one line in SECTIONS.
"""

from __future__ import annotations

from collections.abc import Callable

from tasks.report.page_header import render_header
from tasks.report.page_template import make_environment, make_style, read_script
from tasks.report.report_data import ReportData
from tasks.report.section import Section
from tasks.report.sections.actions_section import make_actions_section
from tasks.report.sections.counts_section import make_counts_section
from tasks.report.sections.data_section import make_data_section
from tasks.report.sections.feature_section import make_feature_section
from tasks.report.sections.file_section import make_file_section
from tasks.report.sections.key_frames_section import make_key_frames_section
from tasks.report.sections.motion_section import make_motion_section
from tasks.report.sections.overlay_player_section import make_overlay_player_section
from tasks.report.sections.pose_section import make_pose_section
from tasks.report.sections.score_section import make_score_section
from tasks.report.sections.semantic_field_section import make_semantic_field_section
from tasks.report.sections.semantic_flow_section import make_semantic_flow_section
from tasks.report.sections.timeline_section import make_timeline_section
from tasks.report.sections.track_gallery import make_track_gallery
from tasks.report.sections.track_table_section import make_track_table_section

SECTIONS: tuple[Callable[[ReportData], Section | None], ...] = (
    make_overlay_player_section,
    make_file_section,
    make_key_frames_section,
    make_track_gallery,
    make_timeline_section,
    make_counts_section,
    make_score_section,
    make_pose_section,
    make_actions_section,
    make_feature_section,
    make_motion_section,
    make_semantic_flow_section,
    make_semantic_field_section,
    make_track_table_section,
    make_data_section,
)
"""In the order of the page; None leaves a section out."""


def render_page(data: ReportData) -> str:
    """The whole page as HTML, without a reference to anything but the overlay video beside it."""
    sections = [section for write in SECTIONS if (section := write(data)) is not None]
    # Up one level per part of the video's name: a video below data/raw/day1 has its report below reports/day1.
    index = "../" * len(data.video.split("/")) + "index.html"
    return (
        make_environment()
        .get_template("page.html.jinja")
        .render(
            title=data.video,
            header=render_header(data),
            sections=sections,
            index=index,
            style=make_style(data.used_slots),
            script=read_script(),
        )
    )
