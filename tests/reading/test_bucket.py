"""Bytes that come from a bucket: a real S3 server on loopback behind a relay that counts what it sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import semflow
from flows.engine.dvc_store.object_store import ObjectStore
from tasks.artifacts.features import FeatureMetadata, Features
from tests.factories.counting_relay import CountingRelay, relay_bucket
from tests.reading.conftest import GRID, HEIGHT, TIMES, WIDTH, git, record

MOST = 1.2  # bytes that may come, as a share of those that are needed


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingRelay]:
    """An S3 server with the bucket `team`, seen through the relay."""
    with relay_bucket(tmp_path, monkeypatch) as counting:
        yield counting


def write_features(root: Path) -> None:
    """Features that do not compress, some 600 kB of each film."""
    for seed, video in enumerate(TIMES):
        values = np.random.default_rng(seed).integers(-127, 128, (40, 3, 4, 1250)).astype(np.float32)
        facts = FeatureMetadata("none", ("a",), WIDTH, HEIGHT, GRID, video, tuple(np.arange(40.0).tolist()))
        Features.from_vectors(values, facts).save(Features.path(root, video))


@pytest.mark.slow
def test_a_read_of_one_artifact_of_one_film_fetches_little_more_than_its_file(
    project: Path, tmp_path: Path, relay: CountingRelay
) -> None:
    import boto3

    write_features(project)
    store = ObjectStore(tmp_path / "store/files/md5")
    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text(
        "[core]\n    remote = team\n    analytics = false\n['remote \"team\"']\n    url = s3://team/films\n"
        f"    endpointurl = http://127.0.0.1:{relay.port}\n    region = us-east-1\n"
    )
    (project / ".gitignore").write_text("/data\n")
    git(project, "init", "-q")
    record(project, store)
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    git(project, "tag", "v1.2")
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{relay.port}", region_name="us-east-1")
    for path in store.folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), "team", f"films/files/md5/{path.relative_to(store.folder).as_posix()}")

    relay.sent = 0
    ds = semflow.open(f"file://{project}", rev="v1.2", cache=tmp_path / "cache")
    assert ds["uneven"].features.frame_at(7.2) == 7
    features = relay.sent
    needed = Features.path(project, "uneven").stat().st_size
    assert needed < features <= MOST * needed

    relay.sent = 0
    again = semflow.open(f"file://{project}", rev="v1.2", cache=tmp_path / "cache")
    assert again["uneven"].features.at(0, 0, 3) is not None
    assert relay.sent == 0
    assert re.fullmatch("<table tracks of file://.* at v1.2: video, frame.*>", repr(again.tracks))
