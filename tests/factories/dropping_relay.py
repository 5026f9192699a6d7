"""A relay between clients and a server of this machine that cuts connections, and answers nobody for a while."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass, field

BLOCK = 65_536
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER under which `close` resets the connection."""


@dataclass
class DroppingRelay:
    """Passes connections on to the port `target`; of every `cut_every` blocks that pass, in either direction, the last
    goes through by half, and its connection is reset."""

    target: int
    cut_every: int
    cuts: int = 0
    refused: int = 0
    """Connections that came while nobody was answered."""
    _blocks: int = 0
    _away_until: float = 0.0
    _open: set[socket.socket] = field(default_factory=set[socket.socket])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self._reset_all()

    def answer_nobody(self, seconds: float) -> None:
        """Reset every connection, and those that come within `seconds`."""
        self._away_until = time.monotonic() + seconds
        self._reset_all()

    def _reset_all(self) -> None:
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            self._reset(connection)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if time.monotonic() < self._away_until:
                self.refused += 1
                self._reset(near)
                continue
            far = socket.create_connection(("127.0.0.1", self.target))
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while block := source.recv(BLOCK):
                if self._is_cut():
                    sink.sendall(block[: len(block) // 2])
                    break
                sink.sendall(block)
        except OSError:
            pass
        for connection in (source, sink):
            self._reset(connection)

    def _is_cut(self) -> bool:
        with self._lock:
            self._blocks += 1
            is_cut = self._blocks % self.cut_every == 0
            self.cuts += is_cut
        return is_cut

    def _reset(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()
