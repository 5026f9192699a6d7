"""`semflow init`: make a project in any folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, print_json
from tasks.errors import SemflowError

EXPLAINED = (
    ("params.yaml", "what is computed and how: every key with its meaning"),
    ("dataset.yaml", "name, licence and authors of the data set, for you to fill in"),
    ("dvc.yaml", "the stages, as DVC runs them"),
    ("fingerprints/", "the version of the code behind each stage"),
    ("README.md", "what is where, and the commands for it"),
    ("data/", "raw/ for your videos, labels/, corrections/ and cameras/ for what you add"),
    (".dvc/", "DVC's configuration"),
    (".gitignore", "what git leaves to DVC; .dvcignore and .gitattributes beside it"),
)
"""What stands in the new folder, as the command prints it."""


@dataclass(frozen=True)
class MadeProject:
    """What `make_project` made."""

    root: Path
    files: tuple[str, ...]
    """Written or extended, relative to the root."""
    is_new_repository: bool


@click.command("init", cls=ValuesCommand)
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@JSON_OPTION
def command(folder: Path, as_json: bool) -> int:
    """Make a project in FOLDER, by default the current one: parameters, stages, git and DVC; computes nothing.

    An existing project is never overwritten; a README, a .gitignore and a git repository that are there stay.
    """
    made = make_project(folder)
    steps = list_next_steps(folder)
    if as_json:
        facts = {"root": str(made.root), "files": list(made.files), "new_git_repository": made.is_new_repository}
        print_json(facts | {"next": steps})
        return 0
    click.echo(f"made a project in {made.root}" + (", with a git repository" if made.is_new_repository else ""))
    for name, words in EXPLAINED:
        click.echo(f"  {name:<14}{words}")
    click.echo("next")
    for number, step in enumerate(steps, 1):
        click.echo(f"  {number}. {step}")
    return 0


def list_next_steps(folder: Path) -> list[str]:
    """The three commands with which a new project begins."""
    there = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    return [
        f"{there}semflow run --videos '/path/to/*.mp4'   (or `semflow samples`, then `semflow run`)",
        "open reports/index.html",
        "git add --all && git commit -m 'A data set', and dvc remote add --default team s3://bucket/films to share it",
    ]


def make_project(folder: Path) -> MadeProject:
    """Write a new project to `folder`; raises SemflowError, and leaves nothing behind, where it cannot be one."""
    from flows.project_setup.project_files import render_project_files

    root = folder.resolve()
    check_place(root)
    files = render_project_files(root.name)
    _refuse_existing(root, files.owned)
    changes = _Changes(root)
    try:
        is_new = _write_all(changes, files.owned | files.kept, files.merged)
    except BaseException:
        changes.undo()
        raise
    return MadeProject(root, tuple(sorted(changes.before)), is_new)


def check_place(root: Path) -> None:
    """Raise SemflowError where `root` cannot become a project."""
    if root.exists() and not root.is_dir():
        raise SemflowError(f"FOLDER must be a folder or new, got the file {root}; choose another name")
    _refuse_existing(root, ("params.yaml", "dvc.yaml", ".dvc"))
    if shutil.which("git") is None:
        raise SemflowError("git must be on the PATH, got none; install it: DVC keeps versions of the data with it")


def _refuse_existing(root: Path, names: Iterable[str]) -> None:
    for name in names:
        if (root / name).exists():
            raise SemflowError(
                f"{root} must not hold {name}, got one; choose another folder, or bring a project that is there to "
                "this version with `semflow upgrade`"
            )


class _Changes:
    """Written files, so that a failure can be undone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.before: dict[str, bytes | None] = {}
        self.new_folders: list[Path] = []

    def write(self, name: str, text: str) -> None:
        """Write a file of the project, and the folders above it."""
        path = self.root / name
        self.make_folder(path.parent)
        self.before.setdefault(name, path.read_bytes() if path.is_file() else None)
        path.write_text(text, encoding="utf-8")

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it."""
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        for place in reversed(missing):
            place.mkdir()
            self.new_folders.append(place)

    def undo(self) -> None:
        """Put everything back as it was."""
        for name, content in self.before.items():
            if content is None:
                (self.root / name).unlink(missing_ok=True)
            else:
                (self.root / name).write_bytes(content)
        for folder in reversed(self.new_folders):
            shutil.rmtree(folder, ignore_errors=True)


def _write_all(changes: _Changes, new: dict[str, str], merged: dict[str, str]) -> bool:
    """Write the files, make the git repository and install the merge driver; whether the repository is new."""
    from flows.maintenance.merge import install_driver
    from flows.project_setup.project_files import add_missing_lines

    root = changes.root
    for name, text in new.items():
        if not (root / name).exists():
            changes.write(name, text)
    for name, wanted in merged.items():
        path = root / name
        changes.write(name, add_missing_lines(path.read_text(encoding="utf-8") if path.is_file() else "", wanted))
    changes.make_folder(root / "data/raw")
    is_new = _init_git(changes)
    attributes = root / ".gitattributes"
    changes.before.setdefault(".gitattributes", attributes.read_bytes() if attributes.is_file() else None)
    install_driver(root)
    return is_new


def _init_git(changes: _Changes) -> bool:
    from flows.engine.dvc_store.git_commands import run_git

    root = changes.root
    if any((folder / ".git").exists() for folder in (root, *root.parents)):
        return False
    changes.new_folders.append(root / ".git")
    done = run_git(root, ["init", "--quiet"])
    if done is None or done.returncode:
        words = "no answer" if done is None else done.stderr.decode(errors="replace").strip()
        raise SemflowError(f"`git init` must work in {root}, got {words}; mend git, then call `semflow init` again")
    return True
