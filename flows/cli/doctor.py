"""Check whether this machine is ready; one line per check: ok, or what to do."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from flows.engine.film_addresses import MAX_ANSWER_AGE_S
from flows.engine.linked_videos import read_linked_videos
from flows.engine.project import Project, find_root
from flows.engine.raw_files import list_raw_files
from tasks.errors import SemflowError
from tasks.fingerprint import EQUIVALENT_DISTRIBUTIONS

MIN_PYTHON, MAX_PYTHON = (3, 11), (3, 13)
CODE_FOLDER = Path(__file__).resolve().parents[2]
"""The folder of the packages that run: a clone, or site-packages."""
CONTRIB = "opencv-contrib"
LOW_DISK_GB = 5.0
"""Least free disk space; the results of a few hours of video may need more."""


@dataclass(frozen=True)
class MachineCheck:
    """The result of one check."""

    name: str
    ok: bool
    words: str

    def as_json(self) -> dict[str, Any]:
        """The check as `--json` prints it."""
        return asdict(self)


def examine_machine(start: Path) -> list[MachineCheck]:
    """All checks, in the order in which a run depends on them."""
    checks = [_checked("python", _python), _checked("packages", _packages), _checked("opencv", _opencv)]
    try:
        project = Project.open(find_root(start))
    except SemflowError as error:
        return [*checks, MachineCheck("project", False, str(error))]
    named: list[tuple[str, Callable[[], str]]] = [
        ("project", lambda: f"{project.root}, {len(project.videos)} videos in data/raw, params.yaml is valid"),
        ("films", lambda: _films(project.root)),
        ("code", lambda: _code(project.root)),
        ("device", lambda: _device(project)),
        ("weights", lambda: _weights(project)),
        ("exports", lambda: _exports(project)),
        ("disk", lambda: _disk(project.root)),
        ("dvc", lambda: _dvc(project)),
        ("prefect", _prefect),
    ]
    return [*checks, *(_checked(name, check) for name, check in named)]


def _checked(name: str, check: Callable[[], str]) -> MachineCheck:
    try:
        return MachineCheck(name, True, check())
    except Exception as error:
        return MachineCheck(name, False, str(error))


def _python() -> str:
    version = platform.python_version()
    if not MIN_PYTHON <= sys.version_info[:2] <= MAX_PYTHON:
        raise SemflowError(f"Python must be 3.11, 3.12 or 3.13, got {version}; make the environment with one of these")
    return version


def _packages() -> str:
    wanted = _list_requirements()
    wrong: list[str] = []
    for requirement in wanted:
        found = list(_find_versions(requirement.name).values())
        if not found or not requirement.specifier.contains(found[0], prereleases=True):
            wrong.append(f"{requirement.name} must be {requirement.specifier}, got {found[0] if found else 'none'}")
    if wrong:
        raise SemflowError("; ".join(wrong) + f"; {_install('')}")
    return f"{len(wanted)} pinned packages as pinned"


def _find_versions(name: str) -> dict[str, str]:
    """Installed distribution to its version, for `name` and those that carry the same code under another name."""
    found: dict[str, str] = {}
    for candidate in (name, *EQUIVALENT_DISTRIBUTIONS.get(name, ())):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[candidate] = metadata.version(candidate)
    return found


def _opencv() -> str:
    found = _find_versions("opencv-python")
    if len(found) > 1:
        raise SemflowError(
            f"one OpenCV package must be installed, got {', '.join(found)}, which overwrite each other's files; "
            f"uninstall all of them, then {_install('opencv-python')} or {_install(CONTRIB)}"
        )
    try:
        from tasks.track.csrt_tracker import has_csrt
    except ImportError as error:
        raise SemflowError(
            f"OpenCV must load, got {error}; install the library, or {_install(CONTRIB)}, which has no GUI"
        ) from None
    name, version = next(iter(found.items()), ("an OpenCV of your own", ""))
    csrt = "with CSRT" if has_csrt() else f"without CSRT; to have it in `semflow track-object`, {_install(CONTRIB)}"
    return f"{name} {version} {csrt}"


def _install(what: str) -> str:
    """What to call to install the pinned packages ("") or one OpenCV package, in a clone and elsewhere."""
    if (CODE_FOLDER / "Makefile").is_file():
        return "run `make opencv-contrib`" if what == CONTRIB else "run `make install`"
    if what == CONTRIB:
        pinned = next(one.specifier for one in _list_requirements() if one.name == "opencv-python")
        return f"run `pip uninstall opencv-python` and `pip install opencv-contrib-python-headless{pinned}`"
    return f"run `pip install --force-reinstall {what or 'semflow'}`"


def _list_requirements() -> list[Requirement]:
    """What semflow needs to be installed here, without extras."""
    declared = [Requirement(line) for line in metadata.requires("semflow") or []]
    return [one for one in declared if one.marker is None or one.marker.evaluate({"extra": ""})]


def _code(root: Path) -> str:
    """Whether the code that runs is that of the clone, where the project is a clone of semflow."""
    used = CODE_FOLDER
    own = root.resolve()
    if (own / "flows/pipeline.py").is_file() and used != own:
        raise SemflowError(
            f"the code of this clone must be the one that runs, got that of {used}: the environment belongs to another "
            f"clone; run `make install` here, with an environment of its own (no link to another .venv)"
        )
    return f"that of {used}"


def _films(root: Path) -> str:
    """Whether the films of videos.yaml that lie at addresses can be read."""
    linked = {video.relative: video.address for video in read_linked_videos(root) if video.address}
    if not linked:
        return "none at addresses"
    found = list_raw_files(root, MAX_ANSWER_AGE_S)
    reasons = {one.relative: one.reason for one in (*found.unreached, *found.unreadable) if one.relative in linked}
    if reasons:
        raise SemflowError(
            f"films at addresses must be readable, got {len(reasons)} of {len(linked)} that are not: "
            f"{next(iter(reasons.values()))}; their results stay, and `semflow plan` names them"
        )
    return f"{len(linked)} at addresses can be read"


def _device(project: Project) -> str:
    device = project.device
    if device == "cpu":
        return f"cpu, {os.cpu_count()} processors"
    import torch

    return f"{device}, {torch.cuda.get_device_name(device)}"


def _weights(project: Project) -> str:
    from tasks.weights.fetch import is_cached

    names = _asked_for(project)
    missing = [name for name in names if not is_cached(name)]
    if missing:
        return f"{', '.join(missing)} missing: downloaded and verified at first use"
    return f"{', '.join(names)} in the cache, verified"


def _exports(project: Project) -> str:
    from tasks.yolo.onnx_export import check_export, export_path

    names = [name for name in _asked_for(project) if name.startswith("yolo")]
    stand = {name: check_export(export_path(name)) for name in names}
    words = {
        "valid": "in the cache, verified",
        "missing": "missing: exported at first use on a CPU",
        "corrupt": "damaged: exported again at next use",
    }
    found = {state: [name for name in names if stand[name] == state] for state in words}
    return "; ".join(f"{', '.join(found[state])} {words[state]}" for state in words if found[state]) or "none needed"


def _asked_for(project: Project) -> list[str]:
    """The names of all weights that the parameters require, sorted."""
    return sorted({name for declaration in project.declarations for name in declaration.method.weights})


def _disk(root: Path) -> str:
    free = shutil.disk_usage(root).free / 1e9
    if free < LOW_DISK_GB:
        raise SemflowError(
            f"at least {LOW_DISK_GB:.0f} GB must be free at {root}, got {free:.1f}; free some, or move "
            "DVC's cache with `dvc cache dir`"
        )
    return f"{free:.0f} GB free"


def _dvc(project: Project) -> str:
    from flows.engine.code_fingerprints import find_outdated_fingerprints
    from flows.engine.dvc_store.git_commands import check_git
    from flows.engine.dvc_yaml import render_dvc_yaml

    if not (project.root / ".dvc").is_dir():
        raise SemflowError(f"{project.root} must be a DVC repository, got none; run `dvc init`")
    check_data_link(project.root)
    git = check_git(project.root)
    if not git.is_ok:
        raise SemflowError(git.message)
    if (project.root / "dvc.yaml").read_text(encoding="utf-8") != render_dvc_yaml(project):
        raise SemflowError("dvc.yaml must be as rendered from the stages, got another; run `semflow dvc`")
    if outdated := next(iter(find_outdated_fingerprints(project)), None):
        raise SemflowError(
            f"{outdated} must be of the code that runs, got that of another version, so `dvc repro` does not see what "
            "changed; run `semflow upgrade`"
        )
    if shutil.which("semflow") is None:
        raise SemflowError("`semflow` must be on the PATH for `dvc repro`, got none; run `source .venv/bin/activate`")
    return "repository found, dvc.yaml is fresh"


def check_data_link(root: Path) -> None:
    """SemflowError where data/ or reports/ is a link out of the project, through which DVC does not look."""
    for name in ("data", "reports"):
        folder = root / name
        if folder.is_symlink() and not folder.resolve().is_relative_to(root.resolve()):
            raise SemflowError(
                f"{name}/ must be a folder, got a link to {folder.resolve()}: `dvc status` and `dvc push` end with "
                f"'is outside of git repository'; mount the disk there (`mount --bind`), or put the whole project on "
                "that disk (data/raw alone may be a link)"
            )


def _prefect() -> str:
    from flows.prefect_door.prefect_mirror import name_direct_hosts

    os.environ |= name_direct_hosts(os.environ)
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
    if error is not None:
        raise SemflowError(
            f"Prefect's API must answer at {url or 'an ephemeral server'}, got {error}; start it with "
            "`prefect server start`, or unset PREFECT_API_URL"
        )
    return f"the server at {url} answers" if url else "an ephemeral server starts and answers"
