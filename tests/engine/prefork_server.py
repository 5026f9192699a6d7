"""Serves commands from a process that has imported what they need: each runs in a fork of its own, as fresh as a new
process and a second faster. One JSON object per line: {argv, cwd, environment, path, out} in, the exit code out.

Started as `python -m tests.engine.prefork_server SOCKET`; `argv` is that of `semflow` or `dvc`. What `dvc repro` starts
comes by the socket at the path SOCKET, from the script that `write_client` writes: {argv, cwd, environment, path} with
the three standard streams, one connection for each command, and its exit code back.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
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
PR_SET_PDEATHSIG = 1  # linux/prctl.h
STREAMS = (0, 1, 2)
CLIENT = """\
#!{python} -IS
import json, os, socket, sys
environment = dict(os.environ)
asked = dict(argv=["semflow", *sys.argv[1:]], cwd=os.getcwd(), environment=environment)
asked["path"] = environment["PYTHONPATH"].split(os.pathsep)
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b"\\n"], {streams})
    server.sendall(json.dumps(asked).encode())
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(16) or 70))
"""


def write_client(program: Path, address: Path) -> None:
    """A `semflow` that has itself run by the server that listens at `address`."""
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(CLIENT.format(python=sys.executable, address=str(address), streams=STREAMS))
    program.chmod(0o755)


def main(address: str) -> None:
    """Until the pipe closes."""
    for name in (*SEMFLOW, *DVC):
        importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    parent = os.getpid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            serve_socket(listener)
        os._exit(0)
    listener.close()
    for line in sys.stdin:
        asked = json.loads(line)
        outs = (os.devnull, asked["out"], f"{asked['out']}.err")
        sys.stdout.write(f"{run_in_fork(asked, lambda outs=outs: [open_stream(name) for name in outs])}\n")
        sys.stdout.flush()


def serve_socket(listener: socket.socket) -> None:
    """One command after another, as `dvc repro` runs its stages."""
    while True:
        connection, _ = listener.accept()
        with connection:
            _, streams, _, _ = socket.recv_fds(connection, 1, len(STREAMS))
            with connection.makefile("rb") as file:
                asked = json.load(file)
            code = run_in_fork(asked, lambda streams=streams: streams)
            for stream in streams:
                os.close(stream)
            connection.sendall(str(code).encode())


def run_in_fork(asked: dict[str, Any], open_streams: Callable[[], list[int]]) -> int:
    """The exit code of a command whose standard streams are what `open_streams` gives."""
    child = os.fork()
    if child == 0:
        _run(asked, open_streams)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def open_stream(name: str) -> int:
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC)


class _Deaf:
    """An observer that nothing is told."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words: None


@contextmanager
def _no_mirror(*words: object) -> Iterator[_Deaf]:
    """In place of Prefect's, which takes seconds to start."""
    yield _Deaf()


def _run(asked: dict[str, Any], open_streams: Callable[[], list[int]]) -> NoReturn:
    code = 70
    try:
        for number, file in zip(STREAMS, open_streams(), strict=True):
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
    main(sys.argv[1])
