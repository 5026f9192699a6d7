"""A project of toyflow's stages in its own git and DVC repository, and commands run in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine.prefork_server import write_client

CHECKOUT = Path(__file__).parents[2]
TOYFLOW = Path(__file__).parent / "toyflow"
VIDEOS = {"one.mp4": "banana", "two.mp4": "cat", "day/three.mov": "an apple"}
FOLDERS = ("words", "facts", "counts", "totals", "looks", "pages", "recipes")
"""Folders below data that DVC tracks."""
CLEAN = "Data and pipelines are up to date."
PROGRAMS = "programs"
"""Folder of the `semflow` that DVC starts, beside the projects that share it."""
IGNORED = ".semflow/\n/data/raw/\n__pycache__/\n/site-packages/\n"


@dataclass
class PreforkServer:
    """See prefork_server.py."""

    process: subprocess.Popen[str]

    def run(self, argv: list[str], cwd: Path, environment: dict[str, str], path: list[str], out: Path) -> int:
        asked = {"argv": argv, "cwd": str(cwd), "environment": environment, "path": path, "out": str(out)}
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def prefork_server(folder: Path) -> Iterator[PreforkServer]:
    """One that ends with the block; what DVC starts in projects whose common folder is `folder` is served too."""
    with tempfile.TemporaryDirectory(prefix="semflow-") as short:  # the path of a socket has 107 bytes at most
        address = Path(short) / "socket"
        write_client(folder / PROGRAMS / "semflow", address)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.prefork_server", str(address)],
            cwd=CHECKOUT,
            env=environment(folder, folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            yield PreforkServer(process)


def environment(root: Path, common: Path) -> dict[str, str]:
    """For commands in the project at `root`; what projects share lies in `common`."""
    return os.environ | {
        "PATH": os.pathsep.join([str(common / PROGRAMS), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([*python_path(root), str(CHECKOUT)]),
        "PYTHONDONTWRITEBYTECODE": "1",  # Python's own caches know seconds, and mutations are faster
        "SEMFLOW_PIPELINE": "toyflow.pipeline:STAGES",
        "SEMFLOW_CACHE": str(root / "../weights"),
        "TOY_CALLS": str(root / "../calls"),
        "DVC_SITE_CACHE_DIR": str(common / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(common / "config"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **{f"GIT_{role}_{what}": "toy@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }


def python_path(root: Path) -> list[str]:
    """Where the project's stages and its toy library are imported from."""
    return [str(root), str(root / "site-packages")]


@dataclass
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@dataclass
class Toy:
    """A project at `home/project`; beside it the weights cache, and the record of what stages were called."""

    home: Path
    common: Path
    served: PreforkServer
    counted: int = field(default=0)

    @property
    def root(self) -> Path:
        return self.home / "project"

    # Commands

    def command(self, *argv: str) -> Answer:
        """`semflow ...` or `dvc ...`."""
        out = self.home / "out"
        code = self.served.run([*argv], self.root, environment(self.root, self.common), python_path(self.root), out)
        return Answer(code, out.read_text(), Path(f"{out}.err").read_text())

    def semflow(self, *words: str) -> dict[str, Any]:
        """A command that must not end in a traceback; its JSON."""
        answer = self.command("semflow", *words, "--json")
        assert "Traceback" not in answer.err and answer.out, answer.err
        return answer.json

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env=environment(self.root, self.common),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def dvc(self, *words: str) -> str:
        answer = self.command("dvc", *words)
        assert answer.code == 0, answer.out + answer.err
        return answer.out

    # What they find

    def stale(self) -> dict[str, str]:
        """Item to why it is stale, of the plan."""
        items = self.semflow("plan")["items"]
        return {name(item): item["why"] for item in items if item["state"] == "stale"}

    def read_statuses(self) -> dict[str, str]:
        """Item to its state."""
        return {name(item): item["state"] for item in self.semflow("plan")["items"]}

    def is_clean(self) -> bool:
        """Whether `dvc status` finds nothing."""
        return self.dvc("status").strip() == CLEAN

    def changed(self) -> set[str]:
        """The paths that `dvc status` names."""
        return set(re.findall(r"^\t\t[a-z ]+: +(\S+)$", self.dvc("status"), re.MULTILINE))

    def recorded(self, out: str) -> set[str]:
        """The files that DVC has on record: of a folder with a pointer (`data/raw.dvc`), or of a stage's out."""
        from flows.engine.dvc_store.dvc_lock import DirHash, read_lock
        from flows.engine.dvc_store.dvc_pointer import read_pointer

        if out.endswith(".dvc"):
            held = read_pointer(self.root, out.removesuffix(".dvc"))
        else:
            held = next(record.outs[out] for record in read_lock(self.root).values() if out in record.outs)
        assert isinstance(held, DirHash)
        text = (self.root / ".dvc/cache/files/md5" / held.md5[:2] / held.md5[2:]).read_text()
        return {entry["relpath"] for entry in json.loads(text)}

    def run(self) -> dict[str, str]:
        """Item to its result, of those that `semflow run` did something for."""
        return worked(self.semflow("run")["outcomes"])

    def repro(self) -> dict[str, str]:
        """The same of the `semflow stage` commands that `dvc repro` calls."""
        log = self.root / ".semflow/runs.jsonl"
        before = len(log.read_text().splitlines()) if log.exists() else 0
        self.dvc("repro")
        lines = log.read_text().splitlines()[before:] if log.exists() else []
        return {key: value for line in lines for key, value in worked(json.loads(line)["outcomes"]).items()}

    def calls(self) -> list[str]:
        """The stages whose functions ran since the last question, sorted."""
        path = self.home / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        new, self.counted = lines[self.counted :], len(lines)
        return sorted(line.partition(" ")[0] for line in new)

    def files(self) -> dict[str, bytes]:
        """Everything below data, and the versions that DVC records."""
        found = [path for path in sorted((self.root / "data").rglob("*")) if path.is_file()]
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in (*found, self.root / "dvc.lock")}

    # Changes

    def write(self, place: str, text: str) -> None:
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, place: str, old: str, new: str) -> None:
        text = (self.root / place).read_text()
        assert text.count(old) == 1, f"{place} has {old!r} {text.count(old)} times"
        (self.root / place).write_text(text.replace(old, new))

    def install(self, version: str) -> None:
        """Another version of the library `toylib`, as pip does it."""
        packages = self.root / "site-packages"
        shutil.rmtree(packages, ignore_errors=True)
        about = packages / f"toylib-{version}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toylib\nVersion: {version}\n")

    def provide_weights(self, text: str) -> None:
        """Put weights into the cache, where a download would have put them."""
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        path = self.home / f"weights/files/{sha256[:16]}/toy.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def copy(self, home: Path) -> Toy:
        """The same project elsewhere."""
        shutil.copytree(self.home, home, symlinks=True)
        return Toy(home, self.common, self.served, self.counted)

    def clone(self, home: Path) -> Toy:
        """What a colleague gets by `git clone`: no raw file, no artifact, no recipe, an empty DVC cache."""
        toy = Toy(home, self.common, self.served)
        home.mkdir()
        subprocess.run(
            ["git", "clone", "-q", str(self.root), str(toy.root)],
            env=environment(self.root, self.common),
            check=True,
        )
        toy.install("1.0")
        shutil.copytree(self.home / "weights", home / "weights")
        return toy


def name(item: dict[str, Any]) -> str:
    return f"{item['stage']} {'(dataset)' if item['video'] in ('/dataset', 'dataset') else item['video']}"


def worked(outcomes: list[dict[str, Any]]) -> dict[str, str]:
    """Item to its result, of those that something was done for."""
    return {name(outcome): outcome["result"] for outcome in outcomes if outcome["result"] not in ("reused", "remote")}


def start_project(home: Path, common: Path, served: PreforkServer) -> Toy:
    """A new project, everything committed but its data: nothing was run yet."""
    toy = Toy(home, common, served)
    toy.root.mkdir(parents=True)
    shutil.copytree(TOYFLOW, toy.root / "toyflow", ignore=shutil.ignore_patterns("__pycache__", "params.yaml"))
    shutil.copy(TOYFLOW / "params.yaml", toy.root)
    shutil.copy(CHECKOUT / ".dvcignore", toy.root)
    toy.install("1.0")
    toy.provide_weights("first weights")
    toy.write("constraints.txt", "toylib==1.0\n")
    toy.write(".gitignore", IGNORED)
    toy.write("data/notes/two.txt", " letters")
    toy.write("data/.gitignore", "".join(f"/{folder}\n" for folder in FOLDERS))
    for relative, text in VIDEOS.items():
        toy.write(f"data/raw/{relative}", text)
    toy.git("init", "-q", "-b", "main")
    toy.dvc("init", "-q")
    toy.semflow("dvc")
    toy.git("add", ".")
    toy.git("commit", "-qm", "Pipeline")
    return toy
