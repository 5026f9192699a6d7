"""A batch is what was written, or it is refused; films that lie elsewhere are found by every machine at their place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.agents.agent_project import write_inputs
from flows.agents.batch import Batch, BatchVideo, parse_batch
from flows.agents.exchange import Exchange
from flows.engine.linked_videos import read_linked_videos
from flows.engine.outcome import Item
from tasks.errors import SemflowError
from tests.agents.team import make_team
from tests.agents.test_run_on_agents import write_films
from tests.factories.range_server import serve_ranges

MD5 = "0" * 32
BATCH = Batch(
    id="run-0001",
    videos=(
        BatchVideo("a", "a.mp4", MD5, "/mnt/films/a.mp4"),
        BatchVideo("b", "b", MD5, "/x.film", {"takes": ["/mnt/1.mp4", "/mnt/2.mp4"]}),
        BatchVideo("c", "c", MD5, "/y.film", {"frames": "/mnt/lapse", "fps": 12.0}),
    ),
    items=(Item("a", "read"),),
    params="compute: {}",
    methods=(),
    recipes=(),
    recipe_methods=(),
    files={"data/labels/a/1.png": MD5},
    others=("z.mp4",),
    needs="gpu",
    expected_s=3.5,
)


def test_a_batch_is_read_as_it_was_written() -> None:
    assert parse_batch(BATCH.to_json()) == BATCH


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format": 9}, SemflowError),
        ({"files": {"../up": MD5}}, SemflowError),
        ({"files": {"params.yaml": MD5}}, ValueError),
        ({"files": {"data/x": "md5"}}, ValueError),
        ({"videos": [{"name": "a", "relative": "/etc/passwd", "md5": MD5, "place": "", "parts": None}]}, SemflowError),
        ({"videos": [{"name": "a", "relative": "a", "md5": "x", "place": "", "parts": None}]}, ValueError),
        ({"videos": [{"name": "a", "relative": "a", "md5": MD5, "place": "", "parts": "x"}]}, ValueError),
        (
            {"videos": [{"name": "a", "relative": "a", "md5": MD5, "place": "/a", "parts": None, "form": "{}"}]},
            ValueError,
        ),
        ({"recipes": ["{}"]}, ValueError),
        ({"others": ["../z"]}, SemflowError),
    ],
)
def test_a_batch_that_somebody_changed_is_refused(change: dict[str, Any], error: type[Exception]) -> None:
    fields = json.loads(BATCH.to_json()) | change
    with pytest.raises(error):
        parse_batch(json.dumps(fields).encode())


def test_films_that_lie_elsewhere_are_listed_for_the_agent(tmp_path: Path) -> None:
    team = make_team(tmp_path, "remote")
    folder = tmp_path / "agent"
    folder.mkdir()
    write_inputs(folder, replace(BATCH, files={}), Exchange.open_project(team.root, "remote"))
    found = {video.relative: video for video in read_linked_videos(folder)}
    assert found["a.mp4"].path == Path("/mnt/films/a.mp4")
    assert found["b"].parts is not None and found["b"].parts.takes == (Path("/mnt/1.mp4"), Path("/mnt/2.mp4"))
    assert found["c"].parts is not None and found["c"].parts.fps == 12.0
    assert not found["z.mp4"].path.exists()


def test_a_film_at_an_address_is_read_by_the_agent_and_need_not_be_hashed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    team = make_team(tmp_path, "remote")
    with serve_ranges() as server:
        server.films["/far.mp4"] = b"banana" * 100
        (team.root / "videos.yaml").write_text(f"far: {server.url}/far.mp4\n")
        write_films(team.root, {"near": "cat"})
        summary, _ = team.run()
        assert summary.is_good, summary
        assert {o.video for o in summary.outcomes} >= {"far", "near"}
        # The toy stage reads the address file; a second reading of the film would be an agent's that hashes it.
        assert server.sent == len(server.films["/far.mp4"]) + server.requests - 1


def test_a_linked_film_is_processed_where_it_lies(tmp_path: Path) -> None:
    team = make_team(tmp_path, "remote")
    film = tmp_path / "elsewhere.mp4"
    film.write_text("banana")
    (team.root / "videos.yaml").write_text(f"far: {film}\n")
    write_films(team.root, {"near": "cat"})
    summary, _ = team.run()
    assert summary.is_good, summary
    assert {o.video for o in summary.outcomes} >= {"far", "near"}
    stored = [path for path in (tmp_path / "shared/files").rglob("*") if path.is_file()]
    assert sum(path.read_text() == "banana" for path in stored) == 1, "what `read` made of it, and not the film"
