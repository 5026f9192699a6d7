"""Templates, style sheet and script of all pages, and the CSS of class colours."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from tasks.report.colours import class_colour, css_colour

SCHEMES = ("light", "dark")
STYLES = ("page.css", "film/player.css")
SCRIPTS = (
    "film/namespace.js",
    "film/packed_series.js",
    "film/film_data.js",
    "film/film_clock.js",
    "film/view_state.js",
    "film/overlay_layers.js",
    "film/film_stage.js",
    "film/compare_view.js",
    "film/timeline_lanes.js",
    "film/timeline.js",
    "film/player_controls.js",
    "page.js",
    "recipes.js",
)
"""A page opened from a folder may not load script modules, so that they are put together here."""


def make_environment() -> Environment:
    """The Jinja environment of all pages: automatic escaping, errors for unknown names, templates of this package."""
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(read_asset),
    )


def make_style(slots: Iterable[int]) -> Markup:
    """The style sheet with the class colours in `slots`, for light and dark screens."""
    used = sorted(set(slots))
    light, dark = (
        "".join(f"--k{slot}:{css_colour(class_colour(slot, scheme))};" for slot in used) for scheme in SCHEMES
    )
    rules = "".join(f".k{slot}{{--k:var(--k{slot})}}" for slot in used)
    sheet = f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}{rules}"
    return Markup("".join(read_asset(name) for name in STYLES) + sheet)  # safe: a file and numbers of this package


def read_script() -> Markup:
    """The script of a report page: its files in order, in one scope."""
    return Markup(f"(() => {{\n{''.join(read_asset(name) for name in SCRIPTS)}}})();\n")  # safe: files of this package


def read_asset(name: str) -> str:
    """A text file of this package."""
    return resources.files("tasks.report").joinpath(name).read_text(encoding="utf-8")
