"""A comparison of two versions as one self-contained HTML page, in the style of the reports."""

from __future__ import annotations

from importlib import resources

from flows.versions.diff_charts import draw_counts, draw_distributions
from flows.versions.diff_text import format_difference, format_value
from flows.versions.version_diff import VersionDiff, list_identity_groups


def render_diff(diff: VersionDiff) -> str:
    """The page as HTML; it asks nothing of the network."""
    from markupsafe import Markup

    from tasks.report.page_template import make_environment, make_style

    return (
        make_environment()
        .from_string(_read_file("diff_page.html.jinja"))
        .render(
            title=f"{diff.before} and {diff.after}",
            index="#main",
            style=make_style(()) + Markup(_read_file("diff_page.css")),  # safe: a file of this package
            diff=diff,
            value=format_value,
            difference=format_difference,
            groups=list_identity_groups,
            distributions=draw_distributions,
            counts=draw_counts,
        )
    )


def _read_file(name: str) -> str:
    return resources.files("flows.versions").joinpath(name).read_text(encoding="utf-8")
