"""The section on the semantic field: what is painted how, what stands in words, and calm where there is nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.semantic_field import FieldClass, FieldMap, FieldMetadata, SemanticField
from tasks.report.colours import class_colour, track_colour
from tasks.report.field_paint import FAINT, FULL, assign_paints, paint_label_map
from tasks.report.page import render_page
from tasks.report.report_data import ReportData
from tasks.report.sections.semantic_field_section import (
    GIVEN_PICTURES,
    PICTURES,
    area_path,
    make_semantic_field_section,
    select_maps,
    split_runs,
)

WIDTH, HEIGHT = 40, 20
CLASSES = (FieldClass("background"), FieldClass("person"), FieldClass("kite"))


@pytest.fixture
def make_field(tmp_path: Path) -> Callable[..., SemanticField]:
    """A person on the left quarter and a kite that grows; every fourth map is given."""

    def make(
        frames: Sequence[int] = range(12), *, reason: str | None = None, metrics: Mapping[str, float] = {},
        classes: tuple[FieldClass, ...] = CLASSES,
    ) -> SemanticField:  # fmt: skip
        maps: list[FieldMap] = []
        for frame in frames:
            label = np.zeros((HEIGHT, WIDTH), np.uint8)
            label[:, : WIDTH // 4] = 1
            label[: 1 + frame, WIDTH // 2 :] = len(classes) - 1
            sure = np.full((HEIGHT, WIDTH), 0.6, np.float32)
            maps.append(FieldMap(frame, label, sure, given=frame % 4 == 0))
        facts = FieldMetadata(12, 160, 90, WIDTH, HEIGHT, classes, "tracks" if maps else "none", reason)
        path = tmp_path / f"field{len(list(tmp_path.iterdir()))}.parquet"
        return SemanticField.stream(maps, facts, {"foretold mIoU": 0.8123, **metrics}).to(path)

    return make


@pytest.fixture
def make_with(
    make_dossier: Callable[..., ReportData], make_field: Callable[..., SemanticField], walk: list
) -> Callable[..., ReportData]:
    def make(*given: object, **named: object) -> ReportData:
        return replace(make_dossier(walk), semantic_field=make_field(*given, **named))

    return make


def test_without_a_field_there_is_no_section(make_dossier: Callable[..., ReportData]) -> None:
    assert make_semantic_field_section(make_dossier()) is None


def test_a_field_without_maps_says_why(make_with: Callable[..., ReportData]) -> None:
    section = make_semantic_field_section(make_with((), reason="no frame of the video is whole"))
    assert section is not None
    assert "There are no label maps: no frame of the video is whole." in section.body


def test_the_lead_says_how_many_maps_from_how_many_labels(make_with: Callable[..., ReportData]) -> None:
    section = make_semantic_field_section(make_with())
    assert section is not None
    assert section.lead == (
        "12 label maps, propagated from the 3 frames that tracks labelled; mean confidence elsewhere is 0.60. "
        "Leave-one-out over the labelled frames gives a mean IoU of 0.81."
    )


def test_given_frames_are_marked_and_pictures_bounded(
    make_with: Callable[..., ReportData], read_page: Callable
) -> None:
    section = make_semantic_field_section(make_with())
    assert section is not None
    page = read_page(section.body)
    assert page.count("span", "badge") == GIVEN_PICTURES
    assert sum(tag == "img" for tag, _ in page.tags) == PICTURES
    times = [float(str(attrs["data-t"])) * 25 for tag, attrs in page.tags if tag == "button"]
    assert times == sorted(times)
    assert {0, 4, 8} <= {round(time) for time in times}
    long = select_maps(np.arange(5000) % 30 == 0)
    assert len(long) == PICTURES


def test_what_hides_what_is_reported_where_it_is_known(make_with: Callable[..., ReportData]) -> None:
    near = {"nearness 0": 0.0, "nearness 1": 1.0, "nearness 2": 0.5}
    section = make_semantic_field_section(make_with(metrics=near))
    assert section is not None
    assert "from far to near: background, kite, person." in section.body
    for nonsense in ({}, {"nearness 1": 1.0}, {"nearness 0": 1.0, "nearness 1": 0.0}):
        without = make_semantic_field_section(make_with(metrics=nonsense))
        assert without is not None
        assert "from far to near" not in without.body


def test_the_legend_names_every_class_with_its_share(make_with: Callable[..., ReportData], read_page: Callable) -> None:
    section = make_semantic_field_section(make_with())
    assert section is not None
    text = read_page(section.body).text
    assert "person 25%" in text
    assert "kite 16%" in text  # half of the width, 6.5 of 20 rows on average
    assert "not painted: background" in text


def test_a_class_has_its_colour_of_the_page_and_a_new_one_a_free_colour(make_with: Callable[..., ReportData]) -> None:
    dossier = make_with()
    _, person, kite = dossier.label_paints
    assert person.slot == dossier.slots[0]
    assert person.rgb == class_colour(dossier.slots[0], "dark")
    assert kite.slot not in dossier.slots.values()
    assert f"--k{kite.slot}:" in render_page(dossier)


def test_a_thing_has_the_colour_of_its_track(make_with: Callable[..., ReportData]) -> None:
    dossier = make_with(classes=(FieldClass("background"), FieldClass("person 7", 7)))
    assert dossier.label_paints[1].rgb == track_colour(7)
    section = make_semantic_field_section(dossier)
    assert section is not None
    assert 'style="--k:#' in section.body


def test_painting_is_stronger_where_the_field_is_surer_and_leaves_the_rest_alone() -> None:
    image = np.full((8, 30, 3), 100, np.uint8)
    label = np.zeros((8, 30), np.uint8)
    label[:, 10:] = 1
    sure = np.tile(np.repeat(np.array([1, 0.5, 1], np.float32), 10), (8, 1))
    paints = assign_paints(CLASSES[:2], {}, {})
    found = paint_label_map(image, label, sure, paints).astype(float)
    assert (found[:, :10] == 100).all()
    away = np.abs(found - 100).sum(axis=2)
    assert away[4, 25] > 1.2 * away[4, 14] > 0
    colour = np.array(paints[1].rgb, float)
    assert np.allclose(found[4, 10], colour, atol=1)  # the outline
    assert np.allclose(found[4, 28], 100 + FULL * (colour - 100), atol=1)
    assert FAINT < FULL


def test_guesses_are_hatched() -> None:
    image, label = np.zeros((12, 12, 3), np.uint8), np.ones((12, 12), np.uint8)
    found = paint_label_map(image, label, np.zeros((12, 12), np.float32), assign_paints(CLASSES[:2], {}, {}))
    free = (found == 0).all(axis=2)
    assert 0.4 < free.mean() < 0.6
    assert (free[0, :3] != free[0, 3:6]).all()


def test_a_gap_or_a_cut_in_the_maps_is_a_gap_in_the_chart() -> None:
    places, one_take = np.array([0.0, 10, 20, 90, 100]), np.zeros(5, np.intp)
    assert split_runs(places, one_take) == [slice(0, 3), slice(3, 5)]
    assert split_runs(places[:3], np.array([0, 1, 1])) == [slice(0, 1), slice(1, 3)]
    path = area_path(places, np.full(5, 100.0), np.full(5, 40.0), split_runs(places, one_take))
    assert path.count("M") == path.count("Z") == 2
    assert area_path(places, np.full(5, 100.0), np.full(5, 100.0), split_runs(places, one_take)) == ""
    assert split_runs(places[:1], one_take[:1]) == [slice(0, 1)]


def test_the_page_holds_the_section_and_no_name_breaks_it(
    make_with: Callable[..., ReportData], read_page: Callable
) -> None:
    page = read_page(render_page(make_with(classes=(FieldClass("<none>"), FieldClass('a "dog" & <b>')))))
    assert "field" in page.ids
    assert 'a "dog" & <b>' in page.text
