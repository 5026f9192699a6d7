"""`semflow upgrade`: params.yaml of an older version (commit 8c88c8b of this repository) becomes one of this."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from flows.cli import main
from flows.cli.reference_pages import list_sections
from flows.project_setup.params_text import ParamsText
from flows.project_setup.project_files import read_template
from flows.project_setup.upgrade_params import RESCALED, UpgradedParams, upgrade_params
from tasks.errors import BadParams
from tasks.params import Compute, read_params

OLDER = (Path(__file__).parent / "older_params.yaml").read_text()
SECTIONS = list_sections()
DEFAULTS = read_template("params.yaml")


def upgrade(text: str) -> UpgradedParams:
    return upgrade_params(text, DEFAULTS, SECTIONS, "params.yaml")


def test_pieces_joined_again_are_the_same_text(checkout: Path) -> None:
    for text in (
        OLDER,
        DEFAULTS,
        (checkout / "params.yaml").read_text(),
        "# a\n\na: # b\n  - 1\n\n# c\nb: {}\n\n# d\n",
    ):
        assert ParamsText.parse(text, "params.yaml").render() == text


def test_an_older_file_is_valid_afterwards_and_a_second_upgrade_changes_nothing(tmp_path: Path) -> None:
    once = upgrade(OLDER)
    (tmp_path / "params.yaml").write_text(once.text)
    assert set(read_params(tmp_path / "params.yaml", SECTIONS)) == set(SECTIONS)
    again = upgrade(once.text)
    assert (again.text, again.notes) == (once.text, ())


def test_values_and_comments_stay_under_new_names() -> None:
    mine = OLDER.replace("  every: 4\n", "  # as in the paper\n  every: 6  # not 4\n").replace(
        "  fill: true", "  fill: false"
    )
    found = upgrade(mine)
    assert "  # as in the paper\n  pair_interval: 6  # not 4\n" in found.text
    values = yaml.safe_load(found.text)
    assert values["track"]["interpolate"] is False
    assert values["match"]["temperature"] == 0.05, "an older default is a value of the user's"
    assert "match.every is named pair_interval now: 6  # not 4 stays" in found.notes
    assert any(line.startswith("match.temperature: 0.05") for line in found.others)


def test_new_keys_and_sections_have_their_default_and_its_meaning() -> None:
    found = upgrade(OLDER)
    defaults = yaml.safe_load(DEFAULTS)
    values = yaml.safe_load(found.text)
    assert values["compute"]["recompute"] == defaults["compute"]["recompute"]
    assert values["segment"] == defaults["segment"]
    assert list(values) == list(defaults)
    assert (
        "  flip: false\n    # rtmpose: average with the prediction for the mirrored crop, at twice the time.\n"
        in found.text
    )
    assert "the section segment is new" in found.notes


def test_a_value_in_another_unit_is_not_carried_over() -> None:
    values = yaml.safe_load(upgrade(OLDER).text)["track"]
    defaults = yaml.safe_load(DEFAULTS)["track"]
    for former in RESCALED["track"]:
        successor = SECTIONS["track"].RENAMED[former]
        assert values[successor] == defaults[successor], f"{former} counted frames"
    assert any(
        note.startswith("track.max_gap counted frames") and "10 was replaced" in note for note in upgrade(OLDER).notes
    )


def test_a_value_that_is_not_allowed_any_more_becomes_the_default_and_is_named() -> None:
    found = upgrade(OLDER)
    assert yaml.safe_load(found.text)["estimate_pose"]["backend"] == "rtmpose"
    assert "estimate_pose.backend cannot be yolo11n-pose now: replaced by rtmpose, the default" in found.notes


def test_keys_and_sections_that_are_gone_become_comments() -> None:
    mine = OLDER.replace("  crf: 23\n", "  # small files\n  gone: [1,\n    2]\n  crf: 23\n") + "\nextra:\n  a: 1\n"
    found = upgrade(mine)
    assert "  # small files\n  # no longer used: gone: [1,\n  # 2]\n  crf: 23\n" in found.text
    assert "\n# no longer used: extra:\n#   a: 1\n" in found.text
    assert "report.gone is no longer used: [1, 2] became a comment" in found.notes


def test_comments_below_a_key_move_with_it() -> None:
    mine = OLDER.replace("  every: 4\n", "  every: 6\n    # as in the paper\n").replace(
        "  crf: 23\n", "  gone: 1\n    # about gone\n  crf: 23\n    # about crf\n"
    )
    mine = mine.replace("  max_gap: 10\n", "  max_gap: 10\n    # ten frames\n")
    found = upgrade(mine).text
    assert "  pair_interval: 6\n    # as in the paper\n" in found
    assert "  # no longer used: gone: 1\n  # about gone\n  crf: 23\n    # about crf\n" in found
    default = yaml.safe_load(DEFAULTS)["track"]["max_gap_s"]
    assert f"  max_gap_s: {default}\n    # ten frames\n" in found


def test_a_key_that_is_missing_comes_back_in_its_place() -> None:
    sections = DEFAULTS.split("\n\n")
    first = next(text for text in sections if text.lstrip().startswith("max_side:"))
    entry, _, rest = first.partition("  fps:")
    gone = DEFAULTS.replace(entry + "  fps:", "  fps:")
    assert rest and gone != DEFAULTS
    assert upgrade(gone).text == DEFAULTS


def test_a_file_of_this_version_is_left_alone(checkout: Path) -> None:
    text = (checkout / "params.yaml").read_text()
    assert upgrade(text) == UpgradedParams(text, (), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("compute: {workers: 1}\n", "params.yaml:1: compute must have a line for each key, got braces"),
        ("- 1\n", "params.yaml:1: must hold sections"),
        ("a: [\n", "params.yaml:2: must be YAML"),
    ],
)
def test_what_cannot_be_edited_by_line_is_named(text: str, words: str) -> None:
    with pytest.raises(BadParams, match=words):
        upgrade_params(text, "compute:\n  workers: 0\n", {"compute": Compute}, "params.yaml")


@pytest.fixture
def older(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the older params.yaml, committed."""
    root = tmp_path / "films"
    shutil.copytree(made, root, ignore=shutil.ignore_patterns(".semflow"))
    (root / "params.yaml").write_text(OLDER)
    (root / "dvc.yaml").write_text("stages: {}\n")
    (root / ".gitignore").write_text("/.semflow/\n")
    (root / "fingerprints/track.json").write_text("{}\n")
    for words in (["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "older"]):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    monkeypatch.chdir(root)
    return root


def test_the_command_brings_every_file_to_this_version(
    older: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["plan"]) == 2
    capsys.readouterr()
    assert main.main(["upgrade", "--dry-run"]) == 0
    diff = capsys.readouterr().out
    assert "-  every: 4\n+  pair_interval: 4\n" in diff
    assert (older / "params.yaml").read_text() == OLDER
    assert main.main(["upgrade", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"params.yaml", "dvc.yaml", ".gitignore", "fingerprints/track.json"} <= set(answer["files"])
    assert (older / "dvc.yaml").read_text() == (made / "dvc.yaml").read_text()
    assert "/data/raw/" in (older / ".gitignore").read_text()
    assert main.main(["plan", "--json"]) == 0
    capsys.readouterr()
    assert main.main(["upgrade"]) == 0
    assert capsys.readouterr().out == "every file is of this version already\n"


def test_what_git_cannot_bring_back_is_not_overwritten(older: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = OLDER.replace("workers: 0", "workers: 1")
    (older / "params.yaml").write_text(mine)
    assert main.main(["upgrade"]) == 2
    assert "params.yaml must be committed, got changes that git does not have" in capsys.readouterr().err
    assert (older / "params.yaml").read_text() == mine
