"""What the engine does grows with the number of videos as the number itself: counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

import pytest

import flows.engine.inventory
import flows.engine.job_execution
import flows.engine.recipe_store
from benchmarks.engine.project import make_project, raw_file
from flows.engine.dvc_yaml import render_dvc_yaml
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from tasks.artifacts.artifact import Dataset
from tasks.params import Params
from tasks.stage import stage
from tests.engine import toys

FEW, MANY = 50, 200
ENGINE = str(Path(flows.engine.recipe_store.__file__).parent)
SLACK = 1.1


class Gathered(toys.Text):
    FOLDER: ClassVar[str] = "data/gathered"


class GatherParams(Params):
    pass


@stage()
def gather(counts: Dataset[toys.Counts], params: GatherParams) -> Gathered:
    return Gathered(" ".join(artifact.text for _, artifact in counts.items()))


STAGES = (*toys.TOYS, gather)
PARAMS = toys.PARAMS + "gather: {}\n"


@dataclass
class Counts:
    """Operations of one run."""

    computed: int = 0
    hashed: int = 0
    """Files read for their hash."""
    parsed: int = 0
    """Recipes read from their files."""
    statements: int = 0
    """SQL statements, each row of those with many."""
    lines: int = 0
    """Lines of the engine's code that were executed, a loop's once per turn."""


@dataclass
class Bench:
    """A project whose runs are counted. Stages run in this process too, and are not."""

    root: Path
    counts: Counts = field(default_factory=Counts)

    def run(self) -> Counts:
        counts = self.counts = Counts()
        before = sys.gettrace()
        with pytest.MonkeyPatch.context() as patch:
            self._count_calls(patch, flows.engine.inventory, "md5_file", "hashed")
            self._count_calls(patch, flows.engine.job_execution, "md5_file", "hashed")
            self._count_calls(patch, flows.engine.recipe_store, "parse_recipe", "parsed")
            sys.settrace(self._enter)
            try:
                project = Project.open(self.root, STAGES)
                project.state.connection.set_trace_callback(self._count_statement)
                summary = run_stale_items(project)
                project.close()
            finally:
                sys.settrace(before)
        assert summary.is_good and not summary.unrecorded, summary
        counts.computed = sum(outcome.result == "computed" for outcome in summary.outcomes)
        return counts

    def _count_calls(self, patch: pytest.MonkeyPatch, module: Any, name: str, what: str) -> None:
        real: Callable[..., Any] = getattr(module, name)

        def counted(*arguments: Any) -> Any:
            setattr(self.counts, what, getattr(self.counts, what) + 1)
            return real(*arguments)

        patch.setattr(module, name, counted)

    def _count_statement(self, statement: str) -> None:
        self.counts.statements += 1

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._step if frame.f_code.co_filename.startswith(ENGINE) else None

    def _step(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.counts.lines += 1
        return self._step


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Counts]]:
    """Number of videos to the counts of a first run, of one with nothing to do, of one with a changed video."""
    found: dict[int, dict[str, Counts]] = {}
    for videos in (FEW, MANY):
        bench = Bench(tmp_path_factory.mktemp("project"))
        make_project(bench.root, videos, PARAMS)
        (bench.root / "dvc.yaml").write_text(render_dvc_yaml(Project.open(bench.root, STAGES)))
        found[videos] = {"first": bench.run(), "nothing": bench.run()}
        raw_file(bench.root, 1).write_text("a banana\n", encoding="ascii")
        found[videos]["changed"] = bench.run()
    return found


def test_a_first_run_costs_each_item_the_same(counted: dict[int, dict[str, Counts]]) -> None:
    few, many = counted[FEW]["first"], counted[MANY]["first"]
    assert (few.computed, many.computed) == (4 * FEW + 1, 4 * MANY + 1)
    for what in ("hashed", "statements", "lines"):
        assert getattr(many, what) / many.computed <= SLACK * getattr(few, what) / few.computed, what


def test_with_nothing_to_do_no_file_is_read_and_the_state_is_asked_as_often(
    counted: dict[int, dict[str, Counts]],
) -> None:
    few, many = counted[FEW]["nothing"], counted[MANY]["nothing"]
    for counts in (few, many):
        assert (counts.computed, counts.hashed, counts.parsed) == (0, 0, 0)
    assert many.statements <= few.statements
    assert many.lines <= SLACK * few.lines * MANY / FEW


def test_one_changed_video_costs_as_much_among_many_as_among_few(counted: dict[int, dict[str, Counts]]) -> None:
    few, many = counted[FEW]["changed"], counted[MANY]["changed"]
    assert few.computed == many.computed == 5
    assert 0 < many.hashed <= few.hashed
    assert many.parsed <= few.parsed
    assert many.statements <= few.statements
    assert many.lines <= SLACK * few.lines * MANY / FEW
