"""Render `dvc.yaml` from the stages.

There is one DVC stage per stage of the pipeline, for all videos together. It depends on the folders that its items
read, on its source files (code_fingerprints.py: or on the file of their fingerprint) and on the pinned packages, so
`dvc repro` calls the engine whenever something may have changed; the engine then decides item by item. Its outs are the
artifact folders, as far as they are kept, the folder of its recipes, and its metrics, which git keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.engine.code_fingerprints import is_project_code, list_fingerprint_files
from flows.engine.declaration import Declaration
from flows.engine.metrics_file import name_metrics_file, render_plots
from flows.engine.overview_files import NOTES_FILE, REPORTS
from flows.engine.project import Project
from flows.engine.recipe import RECIPE_FOLDER

HEADER = "# Rendered from the stages by `semflow dvc`; a test fails when it is not fresh. Edit the stages instead.\n"
PINS = "constraints.txt"
"""The file of pinned packages, whose versions are part of every recipe that names a library."""
DEVICE = "compute.device"
"""The one parameter of `compute` that can make an item stale: for stages whose bytes depend on the device."""


def render_dvc_yaml(project: Project) -> str:
    """The text of `dvc.yaml`."""
    import yaml

    stages = {declaration.name: make_dvc_stage(project, declaration) for declaration in project.declarations}
    plots = render_plots(project.declarations)
    sections = {"stages": stages} | ({"plots": plots} if plots else {})
    return HEADER + yaml.safe_dump(sections, sort_keys=False, width=120)


def check_dvc_yaml(project: Project) -> str:
    """What to do where `dvc.yaml` is not as rendered from the stages; "" where it is."""
    path = project.root / "dvc.yaml"
    if path.is_file() and path.read_text(encoding="utf-8") == render_dvc_yaml(project):
        return ""
    return "dvc.yaml must be as rendered from the stages, got another; run `semflow dvc`, and commit it"


def make_dvc_stage(project: Project, declaration: Declaration) -> dict[str, Any]:
    """The entry of a stage in dvc.yaml: cmd, deps, params, outs and metrics."""
    pins = [PINS] if (project.root / PINS).is_file() else []
    shows_all = REPORTS in list_output_folders(declaration)
    notes = [NOTES_FILE] if shows_all and (project.root / NOTES_FILE).is_file() else []
    device = [DEVICE] if declaration.differs_on_cuda else []
    return {
        "cmd": f"semflow stage {declaration.name} --keep-going",
        "deps": [*list_input_folders(project, declaration), *list_code_deps(project, declaration), *pins, *notes],
        "params": [*declaration.sections, *device],
        "outs": [{folder: {"persist": True}} for folder in list_recorded_folders(declaration)],
        "metrics": [{name_metrics_file(declaration): {"cache": False, "persist": True}}],
    }


def list_input_folders(project: Project, declaration: Declaration) -> list[str]:
    """The folders that the stage depends on, in the order of its arguments.

    For artifacts that are not kept it is the folder of their recipes, which contain the hashes of their bytes.
    """
    found: dict[str, None] = {}
    for kind in declaration.inputs.values():
        maker = project.producers.get(kind.folder)
        if maker is None or maker.keeps_artifacts or kind.is_raw or kind.user_path:
            found[kind.folder] = None
        else:
            found[name_recipe_folder(maker)] = None
    return list(found)


def list_output_folders(declaration: Declaration) -> list[str]:
    """The folders that the stage writes: its artifacts' and its recipes'."""
    return [*(kind.folder for kind in declaration.outputs), name_recipe_folder(declaration)]


def list_recorded_folders(declaration: Declaration) -> list[str]:
    """The folders that DVC records: what the stage writes, without artifacts that are not kept."""
    return list_output_folders(declaration) if declaration.keeps_artifacts else [name_recipe_folder(declaration)]


def name_recipe_folder(declaration: Declaration) -> str:
    """The folder of the stage's recipes."""
    return f"{RECIPE_FOLDER}/{declaration.name}"


def list_code_deps(project: Project, declaration: Declaration) -> list[str]:
    """What stands for the stage's code: its source files inside the project that are not empty, and the file of its
    fingerprint where there is code outside; relative to the project's root."""
    paths = [Path(name) for name in declaration.code_files]
    inside = [path for path in paths if is_project_code(project.root, path) and path.stat().st_size]
    files = [path.relative_to(project.root).as_posix() for path in inside]
    return [*files, *list_fingerprint_files(project, declaration)]
