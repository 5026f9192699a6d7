"""HTML that no text can break out of."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from tasks.report.markup import join, tag


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_text_and_attributes_come_back_as_they_were(text: str) -> None:
    html = tag("p", text, title=text)
    assert _Reader(html).seen == [("p", {"title": text})]
    assert unescape(html[html.index(">") + 1 : -len("</p>")]) == text


def test_markup_is_kept_and_text_is_escaped() -> None:
    assert tag("b", Markup("<i>x</i>"), "<i>") == Markup("<b><i>x</i>&lt;i&gt;</b>")
    assert join(["<", Markup("<br>"), None, 3]) == Markup("&lt;<br>3")


def test_attributes_are_named_as_html_names_them() -> None:
    html = tag("rect", class_="a", data_t=1.5, x=0.1 + 0.2, hidden=True, id=None, draggable=False)
    assert html == '<rect class="a" data-t="1.5" x="0.3" hidden></rect>'


def test_void_elements_are_not_closed() -> None:
    assert tag("img", alt="") == '<img alt="">'
