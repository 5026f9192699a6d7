"""Render the graph of the stages as a Mermaid flowchart, for docs/architecture.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.engine.declaration import ArtifactKind, Declaration

PAGE = "docs/architecture.md"
BEGIN, END = "<!-- graph: written by `semflow dvc` -->", "<!-- end of graph -->"


def render_graph(declarations: Sequence[Declaration]) -> str:
    """Mermaid text: a node per stage, an arrow per artifact between two stages, dashed arrows for raw videos and user
    inputs."""
    makers = {kind.folder: declaration.name for declaration in declarations for kind in declaration.outputs}
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"  {declaration.name}{_shape(declaration)}" for declaration in declarations]
    written: dict[str, str] = {}
    for declaration in declarations:
        for kind in declaration.inputs.values():
            if kind.is_raw or kind.user_path:
                node = written.setdefault(_place(kind), f"in{len(written)}")
                lines.append(f"  {node} -.-> {declaration.name}")
            else:
                lines.append(f"  {makers[kind.folder]} -- {_name(kind)} --> {declaration.name}")
    lines[2:2] = [f'  {node}[("{place}")]' for place, node in written.items()]
    return "\n".join([*lines, "```"])


def replace_graph(page: str, graph: str) -> str:
    """`page` with the graph between BEGIN and END; unchanged where it does not contain both."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{graph}\n{END}{tail}" if begin and end else page


def refresh_graph_page(root: Path, declarations: Sequence[Declaration]) -> bool:
    """Update the graph in docs/architecture.md, if the page exists; whether it changed."""
    from tasks.atomic_file import write_text_atomically

    path = root / PAGE
    if not path.is_file():
        return False
    page = path.read_text(encoding="utf-8")
    text = replace_graph(page, render_graph(declarations))
    if text != page:
        write_text_atomically(path, text)
    return text != page


def _shape(declaration: Declaration) -> str:
    """Node shape: a hexagon for a stage over the whole dataset, else a rectangle."""
    return f"{{{{{declaration.name}}}}}" if declaration.over_dataset else f"[{declaration.name}]"


def _name(kind: ArtifactKind) -> str:
    return kind.folder.rpartition("/")[2]


def _place(kind: ArtifactKind) -> str:
    return f"{kind.folder}/" if kind.is_raw else kind.user_path.replace("{video}", "&lt;video&gt;")
