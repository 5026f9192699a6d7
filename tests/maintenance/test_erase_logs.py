"""Names are taken out of logs where they stand by themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.maintenance.erase_logs import erase_from_logs, mentions_name


@pytest.mark.parametrize("text", ["read one: failed", '{"video": "one"}', "data/raw/one.mp4", "one", "waits for (one)"])
def test_a_name_by_itself_is_found(text: str) -> None:
    assert mentions_name(text, {"one"})


@pytest.mark.parametrize("text", ["none", "one-two", "phone", "one_2", "", "On"])
def test_a_name_in_a_word_is_not(text: str) -> None:
    assert not mentions_name(text, {"one"})


def test_a_name_that_json_escapes_is_found() -> None:
    assert mentions_name(json.dumps({"video": 'ü"1'}), {'ü"1'})
    assert not mentions_name(json.dumps({"video": 'ü"11'}), {'ü"1'})


def test_the_run_log_loses_what_names_it_and_keeps_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / ".semflow"
    folder.mkdir()
    first = {
        "at": "1",
        "outcomes": [{"video": "one", "error": None}, {"video": "two", "error": "after one"}],
        "unrecorded": {"count": "count one is stale", "read": "no"},
        "moved": ["data/words/one.txt", "data/words/three.txt"],
    }
    second = {"at": "2", "outcomes": [{"video": "none"}]}
    torn = '{"at": "3", "outcomes": [{"video": "one'
    (folder / "runs.jsonl").write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n{torn}")
    assert erase_from_logs(tmp_path, {"one"}) == 1
    lines = (folder / "runs.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    taken = "(erased by `semflow forget`)"
    assert found == [
        {
            "at": "1",
            "outcomes": [{"video": "two", "error": taken}],
            "unrecorded": {"count": taken, "read": "no"},
            "moved": [taken, "data/words/three.txt"],
        },
        second,
    ]
    assert erase_from_logs(tmp_path, {"one"}) == 0
