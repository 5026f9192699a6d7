"""The drawing of the stages on the page about the architecture is that of the stages as they are."""

from __future__ import annotations

from pathlib import Path

from flows.engine.project import Project
from flows.engine.stage_graph import PAGE, render_graph, replace_graph


def test_the_graph_on_the_page_is_fresh(checkout: Path) -> None:
    page = (checkout / PAGE).read_text(encoding="utf-8")
    graph = render_graph(Project.open(checkout).declarations)
    assert replace_graph(page, graph) == page, "run `semflow dvc`"
    assert "decode -- frames --> detect" in page
    assert "train{{train}}" in page


def test_a_page_without_marks_stays_as_it_is() -> None:
    assert replace_graph("# a page\n", "a graph") == "# a page\n"
