"""A connection to the bucket that is cut again and again, and away for seconds: the run takes longer, no more."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest

from tests.agents.process_team import ITEMS, ProcessTeam, open_process_team
from tests.factories.dropping_relay import DroppingRelay
from tests.factories.s3_server import serve_bucket

CUT_EVERY = 15
"""Blocks: about one of seven requests is cut, in its question or in its answer."""
AWAY_S = 6.0
"""Longer than the lease of these agents, and than what the S3 client tries by itself."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ProcessTeam, DroppingRelay, str]]:
    """A team, the relay through which all of it sees its bucket, and the bucket's own address."""
    with serve_bucket(monkeypatch) as (host, port):
        relay = DroppingRelay(port, CUT_EVERY)
        options = {"endpointurl": f"http://127.0.0.1:{relay.port}", "region": "us-east-1"}
        with open_process_team(tmp_path, "s3://team/store", options) as team:
            yield team, relay, f"http://{host}:{port}"
        relay.close()


def read_objects(address: str) -> dict[str, bytes]:
    """Key to bytes of all that is in the bucket."""
    client: Any = boto3.client("s3", endpoint_url=address, region_name="us-east-1")
    listed = client.get_paginator("list_objects_v2").paginate(Bucket="team")
    keys = [entry["Key"] for page in listed for entry in page.get("Contents", ())]
    return {key: client.get_object(Bucket="team", Key=key)["Body"].read() for key in keys}


def find_torn(objects: dict[str, bytes]) -> list[str]:
    """The objects whose bytes do not have their hash."""
    named = {key: "".join(key.split("/")[-2:]).removesuffix(".dir") for key in objects if "/files/md5/" in key}
    return [key for key, md5 in named.items() if hashlib.md5(objects[key], usedforsecurity=False).hexdigest() != md5]


def wait_for_calls(team: ProcessTeam, count: int, run: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while sum(team.calls().values()) < count and run.poll() is None:
        assert time.monotonic() < until, "the first results must come"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_bucket_behind_a_bad_line_loses_tears_and_repeats_nothing(
    site: tuple[ProcessTeam, DroppingRelay, str],
) -> None:
    team, relay, address = site
    run = team.start()
    wait_for_calls(team, 2, run)
    relay.answer_nobody(AWAY_S)
    summary = team.finish(run)
    bad = [o for o in summary["outcomes"] if o["result"] not in ("computed", "restored", "reused", "remote")]
    assert summary["good"] and summary["unrecorded"] == {}, (bad, summary["unrecorded"], summary["said"])
    assert relay.cuts >= 20 and relay.refused >= 2, (relay.cuts, relay.refused)
    objects = read_objects(address)
    assert find_torn(objects) == []
    assert [key for key in objects if "/files/md5/" not in key] == [], "nothing of the run stays but objects"
    counts = team.calls()
    assert len(counts) == ITEMS and set(counts.values()) == {1}, (counts, summary["said"])
