"""`dvc.yaml`, rendered from the stages.

One static stage per step over the whole dataset, never one per video. A DVC stage depends on the folders that its items
read, on the code behind it and on the pinned packages, so `dvc repro` calls the engine whenever something may have
changed; the engine then decides item by item.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from flows.engine.project import Project
from tasks.fingerprint import closure, resources, source
from tasks.stage import Stage

HEADER = "# Rendered from the stages by `semflow dvc`; a test fails when it is not fresh. Edit the stages instead.\n"
PINS = "constraints.txt"
"""The pinned packages: their versions are part of every recipe that names a library."""


def render(project: Project) -> str:
    """The text of `dvc.yaml`."""
    stages = {stage.name: entry(project, stage) for stage in project.stages}
    return HEADER + yaml.safe_dump({"stages": stages}, sort_keys=False, width=120)


def entry(project: Project, stage: Stage[..., Any]) -> dict[str, Any]:
    """The DVC stage of `stage`: what it calls, reads, depends on and leaves."""
    code = [
        path.relative_to(project.root).as_posix()
        for path in code_files(stage)
        if path.is_relative_to(project.root) and path.stat().st_size
    ]
    pins = [PINS] if (project.root / PINS).is_file() else []
    return {
        "cmd": f"semflow stage {stage.name} --keep-going",
        "deps": [*(kind.FOLDER for kind in stage.inputs.values()), *code, *pins],
        "params": [stage.name, *(project.section(kind) for kind in stage.also.values())],
        "outs": [{kind.FOLDER: {"persist": True}} for kind in stage.outputs],
    }


def code_files(stage: Stage[..., Any]) -> list[Path]:
    """Every file behind `stage`: its module, what it imports inside the project (the engine too), its templates."""
    modules = (source(name) for name in closure(stage.module, engine=True))
    return sorted({*modules, *resources(stage.module)})
