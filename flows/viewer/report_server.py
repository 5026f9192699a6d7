"""An HTTP server of the reports on the loopback interface: files with byte ranges, and the state of a run under way.

The pages are complete without it; it adds one script to each, which shows what a run has just finished. Requests from
pages of other sites (DNS rebinding) are refused by their `Host`.
"""

from __future__ import annotations

import json
import mimetypes
import os
import socketserver
import sys
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from flows.viewer.byte_range import ByteRange, UnsatisfiableRangeError, parse_range
from flows.viewer.live_status import INDEX, REPORTS, collect_live_status

LOOPBACK = "127.0.0.1"
OWN_HOSTS = ("127.0.0.1", "localhost", "::1")
OWN_FOLDER = ".semflow"
"""First part of the server's own addresses; no report is served from a folder whose name begins with a dot."""
SCRIPT = f'<script src="/{OWN_FOLDER}/live.js" defer></script>\n'.encode()
BLOCK = 1 << 18
TYPES = {".js": "text/javascript", ".mp4": "video/mp4", ".html": "text/html; charset=utf-8", ".css": "text/css"}


class ReportServer(ThreadingHTTPServer):
    """Serves `reports` of the project at `root`; each request has its own thread."""

    daemon_threads = True

    def __init__(self, root: Path, port: int) -> None:
        super().__init__((LOOPBACK, port), ReportHandler)
        self.root = root

    def server_bind(self) -> None:
        """Bind without looking up the name of the host, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Address of the index page."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    @cached_property
    def live_page(self) -> bytes:
        """The page that stands in for the index while there is none."""
        from tasks.report.page_template import make_environment, make_style

        text = resources.files("flows.viewer").joinpath("live_page.html.jinja").read_text(encoding="utf-8")
        page = make_environment().from_string(text).render(title="Run under way", index="/", style=make_style(()))
        return page.encode()

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet about browsers that close a connection while a film is sent."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class ReportHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    server: ReportServer  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"
    server_version = "semflow"
    sys_version = ""

    def do_GET(self) -> None:
        """Send a file, a part of it, or the state of the run."""
        if not is_own_host(self.headers.get("Host", "")):
            self._send_text(HTTPStatus.FORBIDDEN, f"the address must be {self.server.url}, got another name")
            return
        address = urlsplit(self.path)
        parts = split_path(address.path)
        if parts is None:
            self._send_text(HTTPStatus.NOT_FOUND, "no such page")
        elif parts == ["favicon.ico"]:  # asked for by browsers; the pages have theirs inside
            self._send_bytes(b"", "image/x-icon")
        elif parts[:1] == [OWN_FOLDER]:
            self._answer_own(parts[1:], address.query)
        else:
            self._answer_file(self.server.root / REPORTS, parts, address.path)

    do_HEAD = do_GET  # noqa: N815  the name that the standard library calls

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal shows the address alone."""

    def _answer_own(self, parts: list[str], query: str) -> None:
        if parts == ["live.js"]:
            script = resources.files("flows.viewer").joinpath("live.js").read_bytes()
            self._send_bytes(script, TYPES[".js"])
        elif parts == ["status.json"]:
            asked = parse_qs(query)
            page = split_path(asked.get("page", [""])[0])
            with_pages = asked.get("pages", [""])[0] == "1"
            status = collect_live_status(self.server.root, "/".join(page or []), with_pages=with_pages)
            self._send_bytes(json.dumps(status).encode(), "application/json")
        else:
            self._send_text(HTTPStatus.NOT_FOUND, "no such page")

    def _answer_file(self, reports: Path, parts: list[str], path: str) -> None:
        file = reports.joinpath(*parts)
        if file.is_dir():
            if not path.endswith("/"):
                self.send_response(HTTPStatus.FOUND)
                self.send_header("Location", f"/{'/'.join(path.strip('/').split('/'))}/")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            file /= INDEX
        try:
            opened = file.open("rb")
        except OSError:
            if file == reports / INDEX:
                self._send_bytes(_add_script(self.server.live_page), TYPES[".html"])
            else:
                self._send_text(HTTPStatus.NOT_FOUND, "no such page; it may not be made yet")
            return
        with opened:
            if file.suffix == ".html":
                self._send_bytes(_add_script(opened.read()), TYPES[".html"])
            else:
                self._send_file(opened, _guess_type(file))

    def _send_file(self, file: BinaryIO, kind: str) -> None:
        size = os.fstat(file.fileno()).st_size
        try:
            part = parse_range(self.headers.get("Range"), size)
        except UnsatisfiableRangeError:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT)
        if part is not None:
            self.send_header("Content-Range", f"bytes {part.first}-{part.last}/{size}")
        part = part or ByteRange(0, size - 1)
        self.send_header("Accept-Ranges", "bytes")
        self._send_headers(kind, part.size)
        if self.command == "GET":
            file.seek(part.first)
            left = part.size
            while left and (block := file.read(min(BLOCK, left))):
                self.wfile.write(block)
                left -= len(block)

    def _send_bytes(self, body: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self._send_headers(kind, len(body))
        if self.command == "GET":
            self.wfile.write(body)

    def _send_text(self, status: HTTPStatus, text: str) -> None:
        self._send_bytes(f"{text}\n".encode(), "text/plain; charset=utf-8", status)

    def _send_headers(self, kind: str, size: int) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()


def is_own_host(host: str) -> bool:
    """Whether the header `Host` names this machine."""
    try:
        return urlsplit(f"//{host}").hostname in OWN_HOSTS
    except ValueError:
        return False


def split_path(path: str) -> list[str] | None:
    """The parts of the path of an address, decoded; None where one would lead elsewhere or is hidden."""
    parts = [part for part in unquote(path).split("/") if part]
    own = parts[:1] == [OWN_FOLDER]
    for part in parts[1:] if own else parts:
        if part.startswith(".") or "\\" in part or "\0" in part:
            return None
    return parts


def _add_script(page: bytes) -> bytes:
    """The page with the script that shows the state of a run."""
    head, end, tail = page.rpartition(b"</body>")
    return head + SCRIPT + end + tail if end else page


def _guess_type(file: Path) -> str:
    return TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
