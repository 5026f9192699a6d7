"""`semflow upgrade`: bring the files of a project to the version of semflow that is installed."""

from __future__ import annotations

import difflib
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, print_json
from tasks.errors import SemflowError


@dataclass(frozen=True)
class Upgrade:
    """What changes, and why."""

    root: Path
    files: dict[str, tuple[str, str]]
    """Path relative to the root to its text before and after, for files that change."""
    notes: tuple[str, ...]
    others: tuple[str, ...]
    """Values in params.yaml that differ from the defaults."""

    def render_diff(self) -> str:
        """All changes as a unified diff."""
        parts: list[str] = []
        for name, (before, after) in self.files.items():
            lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
            parts += difflib.unified_diff(*lines, f"a/{name}", f"b/{name}")
        return "".join(parts)


@click.command("upgrade", cls=ValuesCommand)
@click.option("--dry-run", is_flag=True, help="print the changes as a diff, and write nothing")
@JSON_OPTION
def command(*, dry_run: bool, as_json: bool) -> int:
    """Bring params.yaml, dvc.yaml, fingerprints and .gitignore of an older version of semflow to this one.

    Renamed keys get their new name, new keys their default and a comment, keys that are gone become comments. Comments
    and your values stay. git undoes it: `git checkout params.yaml dvc.yaml`.
    """
    from flows.engine.project import find_root
    from tasks.atomic_file import write_text_atomically

    upgrade = prepare_upgrade(find_root(Path.cwd()))
    if not dry_run:
        check_committed(upgrade)
        for name, (_, text) in upgrade.files.items():
            write_text_atomically(upgrade.root / name, text)
    if as_json:
        print_json(
            {
                "files": sorted(upgrade.files),
                "notes": list(upgrade.notes),
                "not_default": list(upgrade.others),
                "diff": upgrade.render_diff(),
                "written": not dry_run and bool(upgrade.files),
            }
        )
        return 0
    if dry_run:
        sys.stdout.write(upgrade.render_diff())
    for line in describe_upgrade(upgrade, dry_run=dry_run):
        click.echo(line)
    return 0


def describe_upgrade(upgrade: Upgrade, *, dry_run: bool) -> list[str]:
    """What the command prints."""
    if not upgrade.files:
        return ["every file is of this version already"]
    lines = list(upgrade.notes)
    if upgrade.others and upgrade.notes:
        lines.append(f"kept, though the default is another: {'; '.join(upgrade.others)}")
    names = ", ".join(name for name in sorted(upgrade.files) if not name.startswith("fingerprints/"))
    prints = sum(name.startswith("fingerprints/") for name in upgrade.files)
    changed = ", ".join(part for part in (names, f"{prints} fingerprints" if prints else "") if part)
    end = "" if dry_run else "; `semflow plan` says what is computed again, `git diff` what changed"
    return [*lines, f"{'would change' if dry_run else 'changed'}: {changed}{end}"]


def prepare_upgrade(root: Path) -> Upgrade:
    """The changes that bring the project at `root` to this version; raises SemflowError where a person must mend it."""
    from flows.cli.reference_pages import list_sections
    from flows.engine.project import PARAMS_FILE
    from flows.project_setup.project_files import MERGED_TEMPLATES, add_missing_lines, read_template
    from flows.project_setup.upgrade_params import upgrade_params
    from tasks.params import MAX_BYTES
    from tasks.text import read_text

    text = read_text(root / PARAMS_FILE, PARAMS_FILE, SemflowError, MAX_BYTES)
    params = upgrade_params(text, read_template(PARAMS_FILE), list_sections(), PARAMS_FILE)
    wanted = {PARAMS_FILE: params.text} | _render_stages(root, params.text)
    for name, template in MERGED_TEMPLATES.items():
        wanted[name] = add_missing_lines(_read(root / name), read_template(template))
    files = {name: (_read(root / name), after) for name, after in wanted.items()}
    changed = {name: both for name, both in files.items() if both[0] != both[1]}
    return Upgrade(root, changed, params.notes, params.others)


def check_committed(upgrade: Upgrade) -> None:
    """Raise SemflowError where a file that changes has changes that git does not have, and so cannot bring back."""
    from flows.engine.dvc_store.git_commands import run_git

    written = [name for name in upgrade.files if (upgrade.root / name).exists()]
    done = run_git(upgrade.root, ["status", "--porcelain", "--", *written]) if written else None
    if done is None or done.returncode or not done.stdout.strip():
        return
    name = done.stdout.decode(errors="replace").splitlines()[0][3:]
    raise SemflowError(
        f"{name} must be committed, got changes that git does not have, so that git can undo the upgrade; commit it, "
        "or see the changes with --dry-run"
    )


def _render_stages(root: Path, params: str) -> dict[str, str]:
    """dvc.yaml, outdated fingerprints and data/.gitignore as they are with the text `params` of params.yaml."""
    from flows.engine.code_fingerprints import find_outdated_fingerprints
    from flows.engine.dvc_yaml import render_dvc_yaml
    from flows.engine.project import PARAMS_FILE, Project
    from flows.project_setup.project_files import add_missing_lines, render_data_ignore

    with tempfile.TemporaryDirectory(prefix="semflow-") as folder:
        beside = Path(folder).resolve()
        (beside / PARAMS_FILE).write_text(params, encoding="utf-8")
        opened = Project.open(beside)
        project = replace(opened, root=root)
        try:
            ignored = add_missing_lines(_read(root / "data/.gitignore"), render_data_ignore(project))
            rendered = {"dvc.yaml": render_dvc_yaml(project), "data/.gitignore": ignored}
            return rendered | find_outdated_fingerprints(project)
        finally:
            opened.close()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
