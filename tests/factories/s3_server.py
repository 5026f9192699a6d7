"""An S3 server on this machine, in memory."""

from __future__ import annotations

import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def serve_bucket(monkeypatch: pytest.MonkeyPatch) -> Generator[tuple[str, int]]:
    """Host and port of a server with an empty bucket `team`, and credentials for it in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # Its memory is the process's: what an earlier server held is still there.
    urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket="team")
    yield host, port
    server.stop()
