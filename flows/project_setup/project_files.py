"""The files of a new project: their paths and texts.

Texts lie in `files/`; dvc.yaml, fingerprints and the folders that git ignores are rendered from the stages.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from flows.engine.code_fingerprints import find_outdated_fingerprints
from flows.engine.dvc_yaml import list_output_folders, render_dvc_yaml
from flows.engine.overview_files import NOTES_FILE
from flows.engine.project import PARAMS_FILE, PIPELINE, Project
from flows.engine.recipe import RECIPE_FOLDER
from tasks.stage import Stage

NOTES = ("labels", "corrections", "cameras")
"""Folders of what people add, each with a README."""
MERGED_TEMPLATES = {".gitignore": "gitignore", ".dvcignore": "dvcignore"}
"""Lists of patterns and their templates: lines are added to an existing file."""
DVC_GITIGNORE = "/config.local\n/tmp\n/cache\n"


@dataclass(frozen=True)
class ProjectFiles:
    """What a project holds besides data, path to text."""

    owned: dict[str, str]
    """Files that must not exist when a project is made."""
    kept: dict[str, str]
    """Files that stay as they are where they exist."""
    merged: dict[str, str]
    """Files of one pattern a line, whose lines are added where they are missing."""


def read_template(name: str) -> str:
    """The text of a file in `files/`."""
    return resources.files("flows.project_setup").joinpath("files", name).read_text(encoding="utf-8")


def render_project_files(name: str, stages: str | Sequence[Stage[..., object]] = PIPELINE) -> ProjectFiles:
    """The files of a new project called `name`."""
    params = read_template(PARAMS_FILE)
    notes = read_template(NOTES_FILE).replace("{name}", json.dumps(name, ensure_ascii=False))
    with tempfile.TemporaryDirectory(prefix="semflow-") as folder:
        root = Path(folder).resolve()
        (root / PARAMS_FILE).write_text(params, encoding="utf-8")
        (root / NOTES_FILE).write_text(notes, encoding="utf-8")
        project = Project.open(root, stages)
        try:
            rendered = {"dvc.yaml": render_dvc_yaml(project)} | find_outdated_fingerprints(project)
            ignored = render_data_ignore(project)
        finally:
            project.close()
    return ProjectFiles(
        owned={PARAMS_FILE: params, ".dvc/config": read_template("dvc_config")} | rendered,
        kept={"README.md": read_template("README.md").replace("{name}", name), NOTES_FILE: notes}
        | {".dvc/.gitignore": DVC_GITIGNORE}
        | {f"data/{note}/README.md": read_template(f"{note}.md") for note in NOTES},
        merged={path: read_template(template) for path, template in MERGED_TEMPLATES.items()}
        | {"data/.gitignore": ignored},
    )


def render_data_ignore(project: Project) -> str:
    """The patterns of data/.gitignore: the folders that DVC tracks, or that are deleted once they are read."""
    made = [folder for declaration in project.declarations for folder in list_output_folders(declaration)]
    folders = [folder for folder in made if folder.startswith("data/") and not folder.startswith(RECIPE_FOLDER)]
    return "".join(f"/{folder.removeprefix('data/')}\n" for folder in dict.fromkeys([*folders, RECIPE_FOLDER]))


def add_missing_lines(text: str, wanted: str) -> str:
    """`text` with the lines of `wanted` that it does not have, at its end; comments alone are not added."""
    present = {line.strip() for line in text.splitlines()}
    missing = [line for line in wanted.splitlines() if line.strip() not in present]
    if all(line.startswith("#") for line in missing):
        return text
    separator = "" if not text or text.endswith("\n") else "\n"
    return text + separator + "\n".join(missing) + "\n"
