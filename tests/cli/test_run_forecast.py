"""What a run is said to take before it starts: by this machine's record, else by what stages cost elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli.run_forecast import Forecast, ForecastNotice, describe_forecast, describe_shortage, forecast_items
from flows.engine.default_costs import estimate_default_bytes, estimate_default_seconds
from flows.engine.film_lengths import measure_new_films, read_film_lengths
from flows.engine.outcome import Item
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from flows.engine.timings import DurationEstimates
from tasks.decode.film_length import FilmLength
from tests.decode.film import RATE, film
from tests.engine import toys

SMALL, LARGE = FilmLength(10.0, 300, 640 * 360), FilmLength(10.0, 300, 3840 * 2160)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Toy stages with two films; the second is no video."""
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text(toys.PARAMS)
    (tmp_path / "dvc.yaml").write_text("")
    film(tmp_path / "data/raw/one.mp4", count=50)
    (tmp_path / "data/raw/two.mp4").write_text("cat")
    return Project.open(tmp_path, toys.TOYS)


def test_lengths_of_films_are_read_from_headers_once_and_again_when_the_file_changes(project: Project) -> None:
    measure_new_films(project.state, project.videos)
    lengths = read_film_lengths(project.state)
    assert lengths.keys() == {"one"}, "what is no video has no length"
    assert lengths["one"].frames == 50
    assert lengths["one"].seconds == pytest.approx(50 / RATE)
    project.state.save_memo("film-length:one", {**project.state.read_memo("film-length:one"), "length": [9.0, 9, 9]})
    measure_new_films(project.state, project.videos)
    assert read_film_lengths(project.state)["one"].frames == 9, "an unchanged file is not read again"
    film(project.root / "data/raw/one.mp4", count=75)
    measure_new_films(project.state, project.videos)
    assert read_film_lengths(project.state)["one"].frames == 75


def test_a_stage_without_a_record_costs_what_it_cost_elsewhere_by_the_length_of_the_film() -> None:
    short = DurationEstimates(lengths={"a": SMALL, "b": FilmLength(20.0, 600, SMALL.pixels), "c": LARGE})
    one, two = (short.estimate_item(Item(video, "detect")) for video in ("a", "b"))
    assert one is not None and two == pytest.approx(2 * one)
    decode = [short.estimate_item(Item(video, "decode")) for video in ("a", "c")]
    assert decode[0] is not None and decode[1] is not None and decode[1] > 5 * decode[0], "4K takes longer to read"
    assert short.estimate_item(Item("unknown", "detect")) is None
    assert short.estimate_item(Item("a", "own_stage")) is None
    assert estimate_default_bytes(Item("a", "decode"), 300) == 100 * estimate_default_bytes(Item("a", "decode"), 3) > 0
    assert estimate_default_seconds(Item("/dataset", "train"), 0, None)


def test_a_record_of_this_machine_counts_more_than_costs_elsewhere() -> None:
    timings = DurationEstimates(per_frame={"detect": 2.0}, per_item={"detect": 7.0}, lengths={"a": SMALL})
    assert timings.estimate_item(Item("a", "detect")) == 600.0
    assert timings.estimate_item(Item("unknown", "detect")) == 7.0
    assert not timings.is_from_elsewhere(Item("a", "detect"))
    assert timings.is_from_elsewhere(Item("a", "decode"))


def test_bytes_come_from_the_recipes_and_time_from_the_log(project: Project) -> None:
    (project.root / "data/raw/one.mp4").write_text("banana")
    run_stale_items(project, ["one", "two"], record=False)
    project.state.save_memo("film-length:one", {"form": [], "length": [1.0, 6, 1]})
    project.state.save_memo("film-length:two", {"form": [], "length": [1.0, 3, 1]})
    items = [Item(video, "read") for video in ("one", "two")]
    for item in items:
        project.state.save_timing(item.stage, item.video, 4.0, 6 if item.video == "one" else 3)
    forecast = forecast_items(Project.open(project.root, toys.TOYS), items, workers=2)
    assert forecast.kept_bytes == len("banana") + len("cat")
    assert forecast.seconds == 4.0 and not forecast.is_rough
    assert forecast.film_s == 2.0


FORECAST = Forecast(36, 26.0, 190.0, False, True, 43e6, 264e6)


def test_a_forecast_is_a_sentence() -> None:
    assert describe_forecast(FORECAST, 2) == (
        "36 items of 26 s of film: about 3 min 10 s with 2 workers, 43 MB to keep and 264 MB that are deleted "
        "afterwards; rough, as not every stage has run on this machine yet"
    )
    unknown = Forecast(1, 0.0, None, False, False, 0.0, 0.0)
    assert describe_forecast(unknown, 1) == "1 item: a time that nothing is known of"


def test_a_disk_that_is_too_small_is_told_before_the_run(project: Project) -> None:
    assert describe_shortage(project, FORECAST) == ""
    words = describe_shortage(project, Forecast(1, 0.0, 1.0, False, False, 1e18, 0.0))
    assert "must have 1000000 TB free" in words and "make room" in words


@pytest.mark.parametrize(("seconds", "lines"), [(100.0, 1), (1.0, 0)])
def test_long_runs_are_announced_and_short_ones_are_not(project: Project, seconds: float, lines: int) -> None:
    project.state.save_timing("read", "one", seconds, 0)
    said: list[str] = []
    ForecastNotice(project, said.append).on_planned([Item("one", "read")], {}, 1)
    assert len(said) == lines
