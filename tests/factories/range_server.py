"""A web server on this machine that gives ranges of films, counts the bytes of their bodies, and can be disturbed."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass
class RangeServer:
    """What the server holds, and what it did."""

    films: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Path to bytes."""
    sent: int = 0
    """Bytes of bodies."""
    requests: int = 0
    broken_requests: int = 0
    """So many of the next answers end after half of their bytes."""
    broken_from: int | None = None
    """Position from which no byte is given."""
    gives_ranges: bool = True
    url: str = ""

    def mark(self, path: str) -> str:
        """The ETag of a film."""
        return f'"{hashlib.sha256(self.films[path]).hexdigest()[:16]}"'


@contextmanager
def serve_ranges() -> Generator[RangeServer]:
    """A server without films; it is told what to hold by its fields."""
    held = RangeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            held.requests += 1
            data = held.films.get(self.path)
            if data is None:
                return self._answer(404)
            wanted = RANGE.fullmatch(self.headers.get("Range", ""))
            if wanted is None or not held.gives_ranges:
                return self._answer(200, data)
            if self.headers.get("If-Match") not in (None, held.mark(self.path)):
                return self._answer(412)
            start, end = int(wanted[1]), min(int(wanted[2]) + 1, len(data))
            if start >= len(data):
                return self._answer(416, b"", f"bytes */{len(data)}")
            return self._answer(206, data[start:end], f"bytes {start}-{end - 1}/{len(data)}")

        def _answer(self, status: int, body: bytes = b"", extent: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status < 400:
                self.send_header("ETag", held.mark(self.path))
            if extent:
                self.send_header("Content-Range", extent)
            start = int(extent.split()[1].partition("-")[0]) if status == 206 else 0
            if held.broken_requests or (held.broken_from is not None and start + len(body) > held.broken_from):
                held.broken_requests = max(0, held.broken_requests - 1)
                body, self.close_connection = body[: len(body) // 2], True
            held.sent += len(body)  # before the client can know that it came
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
