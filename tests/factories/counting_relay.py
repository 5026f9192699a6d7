"""A relay between a client and a server of this machine that counts the bytes it sends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.factories.s3_server import serve_bucket

BLOCK = 65_536


class CountingRelay:
    """Passes connections on to a port of this machine, and counts the bytes that come back."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.sent = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, counted in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._pass, args=(source, sink, counted), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while block := source.recv(BLOCK):
                self.sent += len(block) * counted
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            if counted:
                source.close()
                sink.close()


@contextmanager
def relay_bucket(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingRelay]:
    """An S3 server with the bucket `team`, seen through a relay; DVC's own settings lie in `folder`."""
    for name in ("DVC_SYSTEM_CONFIG_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(folder / name))
    with serve_bucket(monkeypatch) as (_, port):
        counting = CountingRelay(port)
        yield counting
        counting.close()
