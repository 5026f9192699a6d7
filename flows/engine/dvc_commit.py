"""Record the outputs of finished stages in `dvc.lock`; skipped where nothing has changed since the last record."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from flows.engine.code_fingerprints import FOLDER as FINGERPRINTS
from flows.engine.dvc_store.dvc_config import LOCK_FILE
from flows.engine.file_marks import read_mark, scan_folder
from flows.engine.metrics_file import name_metrics_file
from flows.engine.overview_files import NOTES_FILE, OVERVIEW_FILES, REPORTS
from flows.engine.plan import Plan
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.recipe_sync import REMOVED_MEMO
from flows.engine.storage import Storage
from tasks.errors import SemflowError

SCANNED = (RAW_FOLDER, FINGERPRINTS)
SINGLE = (*(f"{REPORTS}/{name}" for name in OVERVIEW_FILES), NOTES_FILE, "dvc.yaml", "params.yaml", "constraints.txt")
"""Files by which the record changes; the overview of all videos is recorded with the reports."""


def commit_to_dvc(project: Project, plan: Plan) -> dict[str, str]:
    """Record in dvc.lock every stage whose items all have a valid recipe; gives the other stages with the reason."""
    storage = Storage.open(project.root)
    if storage is None:
        return {"all": "this is no DVC repository; run `dvc init` in a git repository (or `dvc init --no-scm`)"}
    signature = _sign(project, plan)
    known = project.state.read_memo("recorded")
    lock = _lock_mark(project.root)
    if known is not None and known["signature"] == signature and known["lock"] == lock:
        return known["unrecorded"]
    try:
        from flows.engine.code_fingerprints import write_fingerprints
        from flows.engine.commit_stages import commit_stages
        from flows.engine.dvc_yaml import check_dvc_yaml

        if problem := check_dvc_yaml(project):
            return {"all": problem}
        write_fingerprints(project)
        unrecorded = commit_stages(project, plan, storage)
    except SemflowError as error:
        return {"all": str(error)}
    except OSError as error:
        return {"all": f"{error.filename or project.root} must be writable, got {error.strerror}; run again then"}
    memo = {"signature": _sign(project, plan), "lock": _lock_mark(project.root), "unrecorded": unrecorded}
    project.state.save_memo("recorded", memo)
    return unrecorded


def _sign(project: Project, plan: Plan) -> str:
    """A hash over everything that the record depends on, from values in memory and marks of files."""
    known = project.state.read_memo("declarations") or {}
    code = known.get("signature") or [[d.method.digest, d.code_files] for d in project.declarations]
    files = [
        (stage, sorted(project.recipe_store.list_stage_files(stage).items()))
        for stage in (d.name for d in project.declarations)
    ]
    statuses = [(*item, state.status, state.recorded) for item, state in plan.states.items()]
    written = {kind.folder for d in project.declarations for kind in d.inputs.values() if kind.user_path}
    marks = [(folder, sorted(scan_folder(project.root / folder).items())) for folder in sorted({*written, *SCANNED})]
    metrics = [name_metrics_file(declaration) for declaration in project.declarations]
    single = [read_mark(project.root / name) for name in (*SINGLE, *metrics)]
    seen = [code, files, statuses, marks, single, project.state.read_memo(REMOVED_MEMO)]
    return hashlib.md5(json.dumps(seen).encode(), usedforsecurity=False).hexdigest()


def _lock_mark(root: Path) -> list[int]:
    return list(read_mark(root / LOCK_FILE) or ())
