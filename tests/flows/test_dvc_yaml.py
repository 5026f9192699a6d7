"""The committed dvc.yaml is the one that the stages say."""

from __future__ import annotations

from pathlib import Path

from flows.engine.dvc_yaml import render_dvc_yaml
from flows.engine.project import Project
from flows.pipeline import STAGES


def test_dvc_yaml_is_fresh(checkout: Path) -> None:
    expected = render_dvc_yaml(Project.open(checkout, STAGES))
    assert (checkout / "dvc.yaml").read_text() == expected, "run `semflow dvc`"


def test_every_stage_has_a_section_of_its_own_and_an_artifact_of_its_own(checkout: Path) -> None:
    project = Project.open(checkout, STAGES)
    assert {stage.name for stage in STAGES} | {"compute"} == set(project.params)
    made = [kind for stage in STAGES for kind in stage.outputs]
    assert len(made) == len(set(made)) == len({kind.FOLDER for kind in made})
