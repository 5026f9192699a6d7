"""HTML and SVG built in Python: whatever is not Markup is escaped, so no name of a file or a class can break a page."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

VOID = frozenset({"br", "col", "img", "link", "meta"})
"""HTML elements without a closing tag."""
Child = Markup | str | int | None
Value = str | int | float | bool | None


def tag(name: str, *children: Child, **attributes: Value) -> Markup:
    """`<name ...>children</name>`; in attribute names `_` stands for `-` and a trailing one is dropped (`class_`).

    True is an attribute without a value; None and False leave it out; floats are written short.
    """
    inside = "".join(
        f" {key}" if value is True else f' {key}="{escape(_short(value))}"'
        for key, value in ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
        if value is not None and value is not False
    )
    # Safe: `name` and attribute names are literals of this project, values and children are escaped.
    opening = Markup(f"<{name}{inside}>")
    return opening if name in VOID else opening + join(children) + Markup(f"</{name}>")


def join(children: Sequence[Child]) -> Markup:
    """The concatenation of `children`, escaped where they are not Markup; None is skipped."""
    return Markup().join(child if isinstance(child, Markup) else str(child) for child in children if child is not None)


def _short(value: str | int | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
