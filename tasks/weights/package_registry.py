"""Streaming download of one package archive from the package index that the user's pip is configured for.

pip makes the connection, so its index, mirror, proxy, certificates and passwords apply, and no host is named here.
`pip install` and `pip download` would run the build script of a source archive to read its metadata; pip's finder and
session, called directly, only list links and read bytes, and nothing of the package is unpacked or run. They are
internal to pip, the same from pip 22 to pip 26, so they run in a child process, which executes this file.

The child writes one line of JSON, {"offset", "size"}, then the bytes of the archive from that offset on.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import IO, Any

BLOCK_BYTES = 1 << 18
RETRIES = "2"  # with pip's default of 5 a user without a network waits half a minute
NOT_FOUND = 3
HTTP_PARTIAL, HTTP_RANGE_NOT_SATISFIABLE = 206, 416


@dataclass(frozen=True)
class DownloadStream:
    """Bytes of a file that is being downloaded."""

    offset: int
    """Position of the first byte in the file; 0 where the server cannot resume."""
    size: int | None
    """Size of the whole file in bytes; None where the server does not state it."""
    blocks: Iterator[bytes]


@contextlib.contextmanager
def open_archive(package: str, version: str, file: str, offset: int) -> Generator[DownloadStream]:
    """Stream of the archive `file` of `package` from byte `offset` on; ConnectionError with pip's message."""
    # -P keeps this folder off the child's module path, where `cache` or `fetch` could stand in for modules of pip's.
    command = [sys.executable, "-P", __file__, package, version, file, str(offset)]
    with (
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages) as child,
    ):
        assert child.stdout is not None
        try:
            head = child.stdout.readline()
            if not head:
                child.wait()
                messages.seek(0)
                raise ConnectionError(_reason(messages.read().decode(errors="replace"), child.returncode))
            fields = json.loads(head)
            yield DownloadStream(fields["offset"], fields["size"], read_blocks(child.stdout))
        finally:
            child.kill()


def read_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Blocks of BLOCK_BYTES bytes of `stream`."""
    return iter(lambda: stream.read(BLOCK_BYTES), b"")


def _reason(messages: str, code: int) -> str:
    last = next((line.strip() for line in reversed(messages.splitlines()) if line.strip()), "pip gave no message")
    if "No module named 'pip'" in last:
        return "this Python must have pip, got none: run `python -m ensurepip`"
    return f"not found in pip's package index ({last})" if code == NOT_FOUND else last


def _serve(package: str, version: str, file: str, offset: int) -> int:
    """Run the child: find the link, read it through pip's session, write it to stdout."""
    from pip._internal.commands import create_command

    command: Any = create_command("download")
    options, _ = command.parse_args(["--no-input", "--no-cache-dir", "--retries", RETRIES, package])
    with command._build_session(options) as session:
        finder = command._build_package_finder(options, session, ignore_requires_python=True)
        links = [c.link for c in finder.find_all_candidates(package) if str(c.version) == version]
        link = next((link for link in links if link.filename == file), None)
        if link is None:
            return NOT_FOUND
        response = _get(session, link.url_without_fragment, offset)
        start = offset if response.status_code == HTTP_PARTIAL else 0
        length = response.headers.get("Content-Length")
        out = sys.stdout.buffer
        out.write(json.dumps({"offset": start, "size": start + int(length) if length else None}).encode() + b"\n")
        for block in response.iter_content(BLOCK_BYTES):
            out.write(block)
        out.flush()
    return 0


def _get(session: Any, url: str, offset: int) -> Any:
    plain = {"Accept-Encoding": "identity"}  # as pip itself asks: a compressed answer would not be the file
    ranged = {**plain, "Range": f"bytes={offset}-"} if offset else plain
    response = session.get(url, headers=ranged, stream=True)
    if response.status_code == HTTP_RANGE_NOT_SATISFIABLE:
        response = session.get(url, headers=plain, stream=True)
    response.raise_for_status()
    return response


if __name__ == "__main__":
    sys.exit(_serve(package=sys.argv[1], version=sys.argv[2], file=sys.argv[3], offset=int(sys.argv[4])))
