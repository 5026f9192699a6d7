"""Sections of a report page; each is made by a module of its own in `tasks/report/sections`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup


@dataclass(frozen=True)
class Section:
    """One part of a report page."""

    anchor: str
    """Its id on the page: a short word, unique."""
    title: str
    lead: str
    """What one sees here, in a sentence or two; may be empty."""
    body: Markup
    width: Literal["full", "wide", "narrow"] = "full"
    """Share of a wide screen: all, two thirds, one third; a phone gives every section all."""


def render_message(sentence: str) -> Markup:
    """What stands in a section that has nothing to show."""
    return Markup('<p class="nothing">{}</p>').format(sentence)
