"""The guides and the notebook, word by word, on the first seconds of a sample clip."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.flows.conftest import Clone

SECONDS = 2.6
"""Of `walk`: a man raises and lowers his arms twice, and a woman begins to walk past."""
LABELS = "data/labels/actions.csv"
BLOCK = re.compile(r"^```(sh|csv|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPENS_A_BROWSER = "semflow view"
NOTEBOOK = "docs/quickstart.ipynb"


class Step(NamedTuple):
    """A block of a guide: what is typed in the terminal, saved as the table of labels, or run by Python."""

    language: str
    text: str


@pytest.fixture(scope="module")
def walked(make_clone: Any) -> Clone:
    """A clone after its first `semflow run`."""
    clone: Clone = make_clone(("walk",), SECONDS)
    assert set(clone.results().values()) == {"computed"}
    return clone


@pytest.fixture
def copied(walked: Clone, tmp_path: Path) -> Clone:
    """A copy of that clone, for a guide that adds labels."""
    root = tmp_path / "copy"
    shutil.copytree(walked.root, root, symlinks=True)
    return Clone(root, Path(walked.environment["PREFECT_HOME"]))


def list_steps(page: Path) -> list[Step]:
    return [Step(*found) for found in BLOCK.findall(page.read_text(encoding="utf-8"))]


def keep_rows(table: str, end_s: float) -> str:
    """The rows that end before the clip does."""
    rows = list(csv.DictReader(io.StringIO(table)))
    kept = [row for row in rows if float(row["end_s"]) < end_s]
    assert len({row["label"] for row in kept}) == len({row["label"] for row in rows}), "every label is left"
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(kept)
    return out.getvalue()


def follow_guide(clone: Clone, page: str) -> Iterator[str]:
    """Do what the guide says, step by step; gives what each step printed."""
    script = ""
    for step in list_steps(clone.root / page):
        if step.language == "csv":
            (clone.root / LABELS).write_text(keep_rows(step.text, SECONDS))
        elif step.language == "sh":
            for command in step.text.splitlines():
                if not command.startswith(OPENS_A_BROWSER):
                    yield clone.run("bash", "-c", command).stdout
        else:
            said = len(clone.run(sys.executable, "-c", script).stdout) if script else 0
            script += step.text
            yield clone.run(sys.executable, "-c", script).stdout[said:]


@pytest.mark.parametrize("page", ["dance.md", "sports.md", "robotics.md"])
def test_every_block_of_a_guide_is_followed(page: str, checkout: Path) -> None:
    text = (checkout / "docs" / page).read_text(encoding="utf-8")
    steps = list_steps(checkout / "docs" / page)
    assert len(steps) == text.count("\n```") / 2
    assert any(step.language == "python" for step in steps)
    for step in steps:
        if step.language == "python":
            ast.parse(step.text)


@pytest.mark.slow
def test_the_guide_for_dance_leads_from_labelled_stretches_to_named_movements(copied: Clone) -> None:
    plan, run, table = follow_guide(copied, "docs/dance.md")
    assert "train" in plan and "classify" in plan
    assert "report:" in run
    assert re.search(r"\b(arms up|arms down|walking)\b", table), table
    page = (copied.root / "reports/walk/index.html").read_text(encoding="utf-8")
    assert "arms up" in page, "the page shows the labels"


@pytest.mark.slow
def test_the_guide_for_sports_leads_to_cadence_joints_and_a_table(walked: Clone) -> None:
    cadence, joints, *_, columns = follow_guide(walked, "docs/sports.md")
    assert "cadence" in cadence and "heel_strike" in cadence
    assert "knee_left" in joints
    assert "degrees" in columns
    with (walked.root / "exported/walk/kinematics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows and {"knee_left", "cadence", "pts_s"} <= rows[0].keys()
    assert (walked.root / "exported/columns.csv").is_file()


@pytest.mark.slow
def test_the_guide_for_robotics_leads_to_batches_of_windows(walked: Clone) -> None:
    there, windows, loop, _ = follow_guide(walked, "docs/robotics.md")
    assert "('walk',)" in there
    assert "torch.Size([8, 3, 360, 640]) torch.Size([8, 2, 360, 640])" in windows
    assert "torch.Size([2, 8, 3, 360, 640])" in loop


def list_cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_is_stored_without_results(checkout: Path) -> None:
    cells = list_cells(checkout / NOTEBOOK)
    assert len(cells) >= 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


@pytest.mark.slow
def test_the_notebook_runs_and_every_cell_shows_something(walked: Clone) -> None:
    script = ""
    for cell in list_cells(walked.root / NOTEBOOK):
        *before, last = ast.parse("".join(cell["source"])).body
        assert isinstance(last, ast.Expr), "a cell ends with what it shows"
        script += "\n".join(map(ast.unparse, before)) + f"\nprint('cell', repr({ast.unparse(last)}))\n"
    shown = walked.run(sys.executable, "-c", script).stdout
    assert shown.count("cell ") == len(list_cells(walked.root / NOTEBOOK))
    assert "Empty DataFrame" not in shown
