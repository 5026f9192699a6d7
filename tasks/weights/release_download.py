"""A file from its makers' own release page, over HTTPS, resumable.

Many machines reach a package registry and nothing else, so a host gets three seconds to answer and is asked once per
process; whoever cannot be reached then is left alone.
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
    """The file at `url` from byte `offset` on; OSError where it cannot be had."""
    parts = urllib.parse.urlsplit(url)
    if not is_reachable(parts.scheme, parts.hostname or "", parts.port):
        raise ConnectionError(f"no answer within {CONNECT_S:g} s")
    with _open(url, offset) as response:
        start = offset if response.status == HTTP_PARTIAL else 0
        length = response.headers.get("Content-Length")
        yield DownloadStream(start, start + int(length) if length else None, read_blocks(response))


@cache
def is_reachable(scheme: str, host: str, port: int | None) -> bool:
    """Whether `host`, or the proxy in front of it, takes a connection; the look-up of its name counts as waiting."""
    proxy = "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme, "")
    door = urllib.parse.urlsplit(proxy) if proxy else None
    address = (door.hostname or "", door.port or PORTS["http"]) if door else (host, port or PORTS[scheme])
    connected = threading.Event()

    def connect() -> None:
        with contextlib.suppress(OSError):
            socket.create_connection(address, timeout=CONNECT_S).close()
            connected.set()

    # A name look-up has no time-out of its own; a thread can be left behind.
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
