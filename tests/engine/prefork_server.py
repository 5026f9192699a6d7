"""Serves commands from a process that has imported what they need: each runs in a fork of its own, as fresh as a new
process and a second faster. One JSON object per line: {argv, cwd, environment, path, out} in, the exit code out.

Started as `python -m tests.engine.prefork_server`; `argv` is that of `semflow` or `dvc`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from flows.prefect_door import engine_adapter

SEMFLOW = (
    "flows.cli.main",
    "flows.cli.commands",
    "flows.cli.display",
    "flows.cli.console",
    "flows.engine.run",
    "tasks.params",
    "tasks.fingerprint",
)
DVC = (
    *("dvc.cli", "dvc.repo.status", "dvc.repo.reproduce", "dvc.repo.commit", "dvc.stage.run", "dvc.scm", "dvc.lock"),
    *("dvc.cachemgr", "dvc.data_cloud", "dvc.analytics", "dvc.commands.status", "dvc.commands.repro", "dvc.compare"),
    *("dvc_data.index", "dvc_render", "scmrepo.git", "dulwich.client", "dulwich.repo", "networkx", "ruamel.yaml"),
    *("flufl.lock", "zc.lockfile", "psutil", "flows.cli.import_videos", "flows.cli.find_videos"),
)


def main() -> None:
    """Until the pipe closes."""
    for name in (*SEMFLOW, *DVC):
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(asked)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


class _Deaf:
    """An observer that nothing is told."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words: None


@contextmanager
def _no_mirror(*words: object) -> Iterator[_Deaf]:
    """In place of Prefect's, which takes seconds to start."""
    yield _Deaf()


def _run(asked: dict[str, Any]) -> NoReturn:
    code = 70
    try:
        for number, name in enumerate(("/dev/null", asked["out"], f"{asked['out']}.err")):
            file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, number)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.path[:0] = asked["path"]
        program, *words = asked["argv"]
        sys.argv = [program, *words]
        engine_adapter.mirror_run = _no_mirror
        module = importlib.import_module({"semflow": "flows.cli.main", "dvc": "dvc.cli"}[program])
        code = int(module.main(words) or 0)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
