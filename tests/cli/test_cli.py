"""The command line: what it prints, and the exit code that a script can trust."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from flows.cli import main
from flows.cli.command_options import ValuesCommand
from flows.engine.project import Project
from flows.pipeline import STAGES

VERSION = "import semflow; print(semflow.__version__)"
PARAMS = (Path(__file__).parents[2] / "params.yaml").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, and we are in it."""
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "data/raw").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--help"]) == 0
    out = capsys.readouterr().out
    for command in main.COMMANDS:
        assert re.search(rf"^\s+{command}\b", out, re.MULTILINE)


def test_without_videos_it_says_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["run"]) == 2
    assert "semflow samples" in capsys.readouterr().err


def test_outside_a_project_it_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main.main(["plan"]) == 2
    assert "change into your project" in capsys.readouterr().err


def test_an_error_is_json_too_where_json_was_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "params.yaml").write_text(PARAMS.replace("  max_gap_s:", "  max_gaps:"))
    assert main.main(["plan", "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert re.search(r"params.yaml:\d+: track.max_gaps must be one of", answer["error"])
    assert answer["good"] is False


def test_plan_counts_items_by_state(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data/raw/a.mp4").write_text("never opened by a plan")
    assert main.main(["plan", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["counts"]["stale"] == len(answer["items"]) > 3
    assert answer["items"][0] == {
        "video": "a",
        "stage": "decode",
        "state": "stale",
        "why": "never made",
        "expected_s": None,
        "bytes": 0,
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["why", "nobody"], "video must be one of a, got 'nobody'"),
        (["why", "a", "nothing"], "stage must be one of decode"),
        (["stage", "nothing"], "stage must be one of decode"),
        (["eval", "mot", "--data", "nowhere"], "--data must be a folder, got nowhere"),
        (["run", "--videos", "nowhere/*.mp4"], "which matches none"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    (folder / "data/raw/a.mp4").write_text("")
    assert main.main(words) == 2
    assert message in capsys.readouterr().err


def test_one_stage_of_a_broken_file_fails_unless_told_to_keep_going(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "data/raw/a.mp4").write_text("no video")
    assert main.main(["stage", "decode", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["outcomes"][0]["result"] == "failed"
    assert main.main(["stage", "decode", "--keep-going"]) == 0


def test_the_doctor_names_what_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.cli import doctor

    monkeypatch.setattr(doctor, "_prefect", lambda: "not asked in this test")
    assert main.main(["doctor", "--json"]) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["python"]["ok"]
    assert checks["packages"]["ok"]
    assert not checks["dvc"]["ok"]
    assert "dvc init" in checks["dvc"]["words"]


def test_the_doctor_looks_at_exported_models_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.cli import doctor
    from tasks.yolo import onnx_export

    monkeypatch.setenv("SEMFLOW_CACHE", str(folder / "cache"))
    project = Project.open(folder, STAGES)
    assert doctor._exports(project) == "yolo26n, yolo26n-seg missing: exported at first use on a CPU"
    path = onnx_export.export_path("yolo26n")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"anything")
    assert "yolo26n damaged: exported again at next use" in doctor._exports(project)
    told = {"bytes": 8, "sha256": hashlib.sha256(b"anything").hexdigest()}
    onnx_export.manifest_path(path).write_text(json.dumps(told))
    assert doctor._exports(project).startswith("yolo26n in the cache, verified; yolo26n-seg missing")


def test_every_semflow_command_in_the_readme_parses(checkout: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (checkout / "README.md").read_text(), re.DOTALL)
    commands = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    found = [words[1:] for words in commands if words and words[0] == "semflow"]
    assert len(found) >= 4
    for words in found:
        parse_command(main.semflow, words)


def parse_command(group: click.Command, words: list[str]) -> dict[str, Any]:
    """The options of a command that is found and parsed, but not run."""
    context = group.make_context("semflow", words)
    while isinstance(group, click.Group):
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        context = command.make_context(name, rest, parent=context)
        group = command
    return context.params


def test_the_short_help_option_stays_when_a_command_was_first_called_by_itself() -> None:
    command = ValuesCommand("plan")
    texts = [click.Context(command).get_help(), click.Context(command, parent=click.Context(main.semflow)).get_help()]
    assert all("-h, --help" in text for text in texts)


def test_an_option_takes_several_values_up_to_the_next_option(folder: Path) -> None:
    parsed = parse_command(main.semflow, ["pull", "walk", "--artifacts", "tracks", "poses", "--raw", "--", "-odd"])
    assert parsed == {"videos": ("walk", "-odd"), "artifacts": ("tracks", "poses"), "raw": True, "as_json": False}
    assert parse_command(main.semflow, ["gc"])["projects"] is None
    assert parse_command(main.semflow, ["gc", "--projects", "--yes"])["projects"] == ()
    assert parse_command(main.semflow, ["eval", "field", "--noise"])["noise"] == ()
    assert parse_command(main.semflow, ["eval", "field", "--noise", ".5", "2"])["noise"] == (0.5, 2.0)


def test_json_may_stand_before_the_command_or_after_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--json", "plan"], ["plan", "--json"]):
        assert main.main(words) == 0
        assert "counts" in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plans"], "COMMAND must be one of init, upgrade, run, check, plan, why"),
        (["plan", "--al"], "No such option '--al'"),
        (["run", "--videos", "--quiet"], "--videos must have a value, got none; see `semflow run --help`"),
        (["eval", "mot"], "Missing option '--data'"),
        (["field", "complete"], "Missing argument 'VIDEO'"),
    ],
)
def test_what_cannot_be_parsed_ends_in_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main.main([*words, "--json"]) == 2
    out, err = capsys.readouterr()
    assert message in json.loads(out)["error"]
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["why", "field"], ["plan"], ["--help"], ["eval", "--help"]])
def test_a_command_imports_no_module_of_another(folder: Path, words: list[str]) -> None:
    (folder / "data/raw/field.mp4").write_text("")
    script = (
        "import sys; from flows.cli.main import main; main(sys.argv[1:]); "
        "print(*[name for name in sys.modules if name.startswith(('flows.evaluate.', 'flows.apps.', 'torch', 'cv2'))])"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.splitlines()[-1] == ""


def test_dvc_yaml_is_written_where_there_is_none(folder: Path) -> None:
    assert main.main(["dvc"]) == 0
    assert "semflow stage decode" in (folder / "dvc.yaml").read_text()


def test_a_project_lists_nested_videos_by_their_path(folder: Path, reopen_here: Callable[[], Project]) -> None:
    (folder / "data/raw/day1").mkdir()
    (folder / "data/raw/day1/cam.mp4").write_text("")
    (folder / "data/raw/.hidden").write_text("")
    assert list(reopen_here().videos) == ["day1/cam"]


@pytest.fixture
def reopen_here(folder: Path) -> Callable[[], Project]:
    from flows.pipeline import STAGES

    return lambda: Project.open(folder, STAGES)


def test_the_package_semflow_is_the_command_too(checkout: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    for words, text in ((["-m", "semflow", "--help"], "Usage: semflow"), (["-c", VERSION], "0.2.0")):
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, check=True)
        assert text in done.stdout
