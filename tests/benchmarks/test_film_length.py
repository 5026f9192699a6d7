"""Cost against length: the films that are made, what a process reports, and the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import film_tracking
from benchmarks.film_length import make_project, render_table
from benchmarks.film_tracking import render_rates
from benchmarks.pipeline.one_stage import ProcessCost, measure_stage, read_anonymous_bytes
from tasks.artifacts.frames import Frames


def test_a_film_of_a_length_is_decoded_in_a_process_of_its_own(tmp_path: Path) -> None:
    make_project(tmp_path, seconds=1.5, height=72, fps=10)
    cost = measure_stage(tmp_path, "decode", "film")
    frames = Frames.load(Frames.path(tmp_path, "film"))
    assert (len(frames), frames.width, frames.height) == (15, 128, 72)
    assert cost.cpu_s > 0 and cost.peak_bytes > 10**7
    assert cost.anonymous_bytes is None or 10**7 < cost.anonymous_bytes <= cost.peak_bytes


def test_anonymous_memory_is_what_no_file_holds(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmRSS:\t   60 kB\nRssAnon:\t   40 kB\nRssFile:\t   17 kB\nRssShmem:\t    3 kB\n")
    assert read_anonymous_bytes(status) == 43 * 1024
    assert read_anonymous_bytes(tmp_path / "absent") is None


def test_networks_get_no_more_pixels_than_the_film_has(tmp_path: Path) -> None:
    make_project(tmp_path, seconds=0.5, height=90, fps=4)
    text = (tmp_path / "params.yaml").read_text()
    assert "image_side: 160" in text and "image_size: 640" not in text


def test_the_table_has_cost_per_second_and_memory_of_each_length() -> None:
    costs = {"decode": {10.0: ProcessCost(2.5, 10**8, 8 * 10**7), 60.0: ProcessCost(15.0, 101 * 10**6, None)}}
    assert render_table(costs).split("\n")[1].split() == ["decode", "0.250", "100", "80", "0.250", "101", "-"]


def test_rates_stand_beside_ours() -> None:
    assert render_rates({"ours": 10.0, "theirs": 4.0}).split("\n")[2].split() == ["theirs", "4.0", "0.40"]


def test_without_a_film_nothing_is_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    film_tracking.main(["--film", str(tmp_path / "absent.avi")])
    assert capsys.readouterr().out.startswith("skipped: ")
