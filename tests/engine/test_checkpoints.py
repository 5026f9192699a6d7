"""Checkpoints of long items: an interrupted run resumes after the last one, and removes all at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.engine.outcome import Summary
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from tasks.artifacts.artifact import StreamingArtifact
from tasks.checkpoints import Checkpoints, temporary_checkpoints
from tasks.errors import BadInput
from tasks.params import Compute
from tasks.stage import stage
from tests.engine import toys

LIMIT = {"letters": 99}
"""Number of letters before the bug occurs."""


class Spelled(toys.Text):
    FOLDER = "data/spelled"


class SpellParams(toys.Params):
    between: str
    """What stands between two letters."""


@stage()
def spell(words: toys.Words, params: SpellParams, parts: Checkpoints) -> StreamingArtifact[Spelled]:
    """Letter by letter, as it is written."""

    def write(path: Path) -> None:
        files = [
            parts.get_or_write(f"{n}", lambda part, c=letter: _letter(part, c)) for n, letter in enumerate(words.text)
        ]
        path.write_text(params.between.join(file.read_text() for file in files))

    return StreamingArtifact(Spelled, write)


def _letter(part: Path, letter: str) -> None:
    part.write_text("half of it")
    if len([call for call in toys.CALLS if call.startswith("spell")]) >= LIMIT["letters"]:
        raise BadInput("too long") if letter == "!" else RuntimeError("a bug")
    toys.CALLS.append(f"spell {letter}")
    part.write_text(letter)


STAGES = (toys.read, spell)


@pytest.fixture
def reopen(project_root: Path) -> Callable[[], Project]:
    text = (project_root / "params.yaml").read_text()
    (project_root / "params.yaml").write_text(text[: text.index("count:")] + 'spell:\n  between: "-"\n')
    (project_root / "data/raw/two.mp4").unlink()
    return lambda: Project.open(project_root, STAGES)


def run(project: Project, letters: int = 99) -> Summary:
    toys.CALLS.clear()
    LIMIT["letters"] = letters
    return run_stale_items(project)


def parts_in(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".semflow/parts").rglob("*") if path.is_file())


def test_a_run_resumes_after_the_last_checkpoint_and_removes_all(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    assert not run(reopen(), letters=3).is_good
    assert parts_in(project_root) == ["0", "1", "2"], "nothing half-written may lie there"
    assert run(reopen()).is_good
    assert toys.CALLS == ["spell a", "spell n", "spell a"]
    assert (project_root / "data/spelled/one.txt").read_text() == "b-a-n-a-n-a"
    assert not (project_root / ".semflow/parts").exists() or not list((project_root / ".semflow/parts").iterdir())
    assert run(reopen()).is_good and toys.CALLS == []


def test_checkpoints_of_another_key_are_not_used_and_are_removed(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    run(reopen(), letters=3)
    params = project_root / "params.yaml"
    params.write_text(params.read_text().replace('"-"', '"+"'))
    run(reopen(), letters=2)
    assert len(toys.CALLS) == 2, "nothing of the other recipe was taken up"
    assert parts_in(project_root) == ["0", "1"], "what was made by the other recipe is gone"
    run(reopen())
    assert parts_in(project_root) == []
    assert (project_root / "data/spelled/one.txt").read_text() == "b+a+n+a+n+a"


def test_checkpoints_are_kept_while_an_item_waits_for_another(
    reopen: Callable[[], Project], project_root: Path
) -> None:
    run(reopen(), letters=3)
    params = project_root / "params.yaml"
    params.write_text(params.read_text().replace("upper: false", "upper: true"))
    run_stale_items(reopen(), videos=[])
    assert parts_in(project_root) == ["0", "1", "2"], "`read` may yet give the same words"


def test_a_fault_of_the_input_removes_its_checkpoints(reopen: Callable[[], Project], project_root: Path) -> None:
    (project_root / "data/raw/one.mp4").write_text("oh!")
    summary = run(reopen(), letters=2)
    assert [outcome.error for outcome in summary.outcomes if not outcome.is_good] == ["too long"]
    assert parts_in(project_root) == []


KILLED = """
import sys, time
from pathlib import Path
from flows.engine.run import run_stale_items
from flows.engine.project import Project
from tests.engine import test_checkpoints as spelling

def slowly(part, letter):
    part.write_text("half of it")
    if part.name.endswith("-4"):
        time.sleep(600)
    part.write_text(letter)

spelling._letter = slowly
run_stale_items(Project.open(Path(sys.argv[1]), spelling.STAGES))
"""


def test_a_killed_process_loses_only_the_current_checkpoint(
    reopen: Callable[[], Project], project_root: Path, checkout: Path
) -> None:
    reopen()
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(project_root)], cwd=checkout)
    waited = time.monotonic() + 60
    while not any(name.endswith("-4") for name in parts_in(project_root)):
        assert time.monotonic() < waited and process.poll() is None, "the run must come as far as the slow part"
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert run(reopen()).is_good
    assert toys.CALLS == ["spell n", "spell a"]
    assert (project_root / "data/spelled/one.txt").read_text() == "b-a-n-a-n-a"
    assert parts_in(project_root) == []


def test_temporary_checkpoints_are_removed_with_their_context() -> None:
    with temporary_checkpoints() as parts:
        assert parts.get_or_write("one", lambda path: path.write_text("1")).read_text() == "1"
        assert parts.get_or_write("one", lambda path: path.write_text("2")).read_text() == "1"
    assert not parts.folder.exists()


def test_injected_arguments_are_not_part_of_the_recipe() -> None:
    @stage()
    def two(words: toys.Words, params: SpellParams, how: Compute, kept: Checkpoints) -> Spelled:
        raise AssertionError("its signature alone is asked for")

    assert two.injected == {"how": Compute, "kept": Checkpoints}
    assert not two.extra_params and set(two.inputs) == {"words"}
    assert spell.injected == {"parts": Checkpoints}
