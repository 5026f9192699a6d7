"""The README's five lines, as they stand there, with the wheel alone and a stranger's bucket: bytes are counted."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import pytest

from flows.engine.dvc_store.object_store import ObjectStore
from tasks.artifacts.actions import Actions
from tasks.artifacts.poses import Poses
from tasks.artifacts.tracks import Tracks
from tests.export.conftest import make_poses
from tests.factories.counting_relay import CountingRelay, relay_bucket
from tests.project_setup.conftest import Installed
from tests.reading import conftest as films

ADDRESS, TAG, FILM = "https://example.org/team/films.git", "v1.2", "market_street"
FRAMES = 3000
MOST = 1.2  # bytes that may come, as a share of those that are needed
AFTERWARDS = """
import json
facts = {"rows": len(rows), "columns": list(rows.columns), "labels": sorted(set(rows.label)), "files": []}
facts["videos"] = sorted(set(rows.video.astype(str)))
print(json.dumps(facts))
"""


def read_lines(checkout: Path) -> str:
    """The block of the README that opens an address."""
    blocks = re.findall(r"```python\n(.*?)```", (checkout / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return next(block for block in blocks if ADDRESS in block)


def write_film(root: Path, video: str) -> None:
    """One walker of 3,000 frames, with boxes and keypoints that do not compress, and two actions."""
    films.TIMES[video] = pts_s = np.arange(FRAMES) / 25
    random = np.random.default_rng(len(video))
    left, top = random.uniform(0, 100, (2, FRAMES)).astype(np.float32)
    tracks = Tracks(
        frame=np.arange(FRAMES, dtype=np.int32),
        pts_s=pts_s,
        track_id=np.ones(FRAMES, np.int32),
        class_id=np.zeros(FRAMES, np.int16),
        class_name=np.full(FRAMES, "person", object),
        score=random.uniform(0.5, 1, FRAMES).astype(np.float32),
        x1=left,
        y1=top,
        x2=left + 20,
        y2=top + 50,
        detection=np.arange(FRAMES, dtype=np.int32),
        video=video,
        frame_count=FRAMES,
        width=640,
        height=360,
    )
    poses = replace(make_poses(tracks), pts_s=pts_s, video=video)
    for kind, table in ((Tracks, tracks), (Poses, poses), (Actions, films.make_actions(video, pts_s))):
        films.save(root, video, kind, table.save)


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingRelay]:
    with relay_bucket(tmp_path, monkeypatch) as counting:
        yield counting


@pytest.fixture
def published(tmp_path: Path, relay: CountingRelay, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's repository with the tag v1.2, whose data lie in a bucket alone."""
    monkeypatch.setattr(films, "TIMES", {})
    monkeypatch.setattr(films, "STAGES", {"track": ["tracks"], "estimate_pose": ["poses"], "classify": ["actions"]})
    root, store = tmp_path / "films", ObjectStore(tmp_path / "store/files/md5")
    for video in (FILM, "walk"):
        write_film(root, video)
    endpoint = f"http://127.0.0.1:{relay.port}"
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text(
        "[core]\n    remote = team\n['remote \"team\"']\n    url = s3://team/films\n"
        f"    endpointurl = {endpoint}\n    region = us-east-1\n"
    )
    (root / ".gitignore").write_text("/data\n")
    films.record(root, store)
    films.git(root, "init", "-q")
    films.git(root, "add", "-A")
    films.git(root, "commit", "-qm", "first")
    films.git(root, "tag", TAG)
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    for path in store.folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), "team", f"films/files/md5/{path.relative_to(store.folder).as_posix()}")
    return root


@pytest.mark.slow
def test_the_lines_of_the_readme_join_three_tables_of_one_film_at_a_tag(
    installed: Installed, published: Path, relay: CountingRelay, checkout: Path, tmp_path: Path
) -> None:
    lines = read_lines(checkout)
    assert f'rev="{TAG}"' in lines and f'ds["{FILM}"]' in lines
    statements = [line for line in lines.partition("import semflow\n")[2].splitlines() if line.strip()]
    assert len(statements) == 5, "five lines"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    credentials = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NO_PROXY")}
    installed.environment |= credentials | {"SEMFLOW_CACHE": str(tmp_path / "cache")}
    script = lines.replace(ADDRESS, f"file://{published}") + AFTERWARDS
    relay.sent = 0
    facts = json.loads(installed.run(elsewhere, sys.executable, "-c", script))
    needed = sum(kind.path(published, FILM).stat().st_size for kind in (Tracks, Poses, Actions))
    assert needed < relay.sent <= MOST * needed
    assert facts["videos"] == [FILM]
    assert facts["labels"] == ["walk"], "the jump begins after a minute"
    assert facts["rows"] == 10 * 25, "the first ten seconds"
    assert {"x1", "smooth_x", "label", "start_s", "pts_s"} <= set(facts["columns"])
    assert not list(elsewhere.iterdir()), "nothing is left where it was called"
