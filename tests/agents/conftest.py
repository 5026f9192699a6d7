"""What tests with a whole site share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories.s3_server import serve_bucket


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 server on this machine with a bucket `team`."""
    with serve_bucket(monkeypatch) as (host, port):
        yield f"http://{host}:{port}"
