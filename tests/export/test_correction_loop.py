"""The whole loop: tracks are exported, corrected, imported, and made again where they must be."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from flows.engine.plan import Plan
from flows.engine.project import Project
from flows.engine.run import run_stale_items
from flows.export.annotated_boxes import AnnotatedFilm
from flows.export.command import load_exporter
from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.import_commands import derive_film, write_corrections
from flows.export.read_cvat import read_cvat
from tasks.artifacts.corrections import Correction, Corrections
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks
from tasks.decode.stage import decode
from tasks.errors import BadInput
from tasks.find_shots.stage import find_shots
from tasks.geometry.cell_grid import CellGrid
from tasks.params import Params
from tasks.stage import stage
from tasks.track.stage import track
from tests.decode.film import film
from tests.engine import toys
from tests.export.conftest import make_detections
from tests.factories.tracks import make_tracks

GRID = CellGrid(4, 6, 8, 8, 3.5, 3.5)


class NoParams(Params):
    pass


@dataclass(frozen=True)
class Summaries(toys.Text):
    FOLDER: ClassVar[str] = "data/summaries"


@stage()
def detect(frames: Frames, params: NoParams) -> Detections:
    return make_detections(make_tracks(len(frames), frames.width, frames.height))


@stage()
def estimate_flow(frames: Frames, params: NoParams) -> DenseFlow:
    encoding = FlowEncoding(frames.height, frames.width, 1, 32)
    pairs = [FlowPair.empty(encoding, 1.0)] * (len(frames) - 1)
    path = Path(frames.decode_report.file).with_suffix(".flow")
    stored = DenseFlow.stream(pairs, FlowMetadata(len(frames), "dis", encoding)).to(path)
    path.unlink()
    return stored


@stage()
def extract_features(frames: Frames, params: NoParams) -> Features:
    vectors = np.ones((len(frames), GRID.rows, GRID.columns, 4))
    return Features.from_vectors(vectors, FeatureMetadata("mobilenet-v2", ("b6",), frames.width, frames.height, GRID))


@stage()
def summarise(tracks: Tracks, params: NoParams) -> Summaries:
    return Summaries(" ".join(map(str, tracks.track_id)))


STAGES = (decode, detect, estimate_flow, find_shots, extract_features, track, summarise)


@pytest.fixture
def reopen(tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Project]:
    """A project of two films, processed once."""
    text = (checkout / "params.yaml").read_text()
    sections = {
        name: text[text.index(f"\n{name}:") + 1 :].split("\n\n")[0] for name in ("decode", "find_shots", "track")
    }
    compute = toys.PARAMS[: toys.PARAMS.index("read:")]
    none = "".join(f"{one.name}: {{}}\n" for one in STAGES if one.name not in sections)
    (tmp_path / "params.yaml").write_text(compute + "\n".join(sections.values()) + "\n" + none)
    (tmp_path / "dvc.yaml").write_text("")
    (tmp_path / "data/raw").mkdir(parents=True)
    film(tmp_path / "data/raw/one.mp4")
    shutil.copy(tmp_path / "data/raw/one.mp4", tmp_path / "data/raw/two.mp4")
    monkeypatch.chdir(tmp_path)
    assert run_stale_items(Project.open(tmp_path, STAGES)).is_good
    return lambda: Project.open(tmp_path, STAGES)


def stale(project: Project) -> set[str]:
    return {str(item) for item, state in Plan.examine_project(project).states.items() if state.status == "stale"}


def export(project: Project, video: str, folder: Path) -> Path:
    folder.mkdir()
    load_exporter("cvat")([ExportSource(project, video)], folder, ExportOptions())
    return folder / f"{video}.xml"


def import_corrections(source: ExportSource, film: AnnotatedFilm) -> Sequence[Correction]:
    return write_corrections(derive_film(source, film))


def exchange_identities(path: Path, from_frame: int, swap: dict[int, int]) -> None:
    """In the document, the two people are each other from a frame on."""
    tree = ET.parse(path)
    for box in tree.iter("box"):
        for attribute in box.iter("attribute"):
            if attribute.get("name") == "identity" and int(box.get("frame", "0")) >= from_frame:
                identity = int(attribute.text or "0")
                attribute.text = str(swap.get(identity, identity))
    tree.write(path)


def who_is_where(tracks: Tracks) -> dict[tuple[int, int], Any]:
    keys = zip(tracks.frame.tolist(), tracks.track_id.tolist(), strict=True)
    return dict(zip(keys, tracks.xyxy.tolist(), strict=True))


def exchange(tracks: Tracks) -> dict[int, int]:
    """Each person's number to the other's."""
    first, second = np.unique(tracks.track_id[tracks.class_name == "person"]).tolist()
    return {first: second, second: first}


def test_one_corrected_identity_runs_track_and_its_readers_of_that_film_and_is_right(
    reopen: Callable[[], Project], tmp_path: Path
) -> None:
    before = {video: Tracks.load(Tracks.path(tmp_path, video)) for video in ("one", "two")}
    path = export(reopen(), "one", tmp_path / "out")
    swap = exchange(before["one"])
    exchange_identities(path, 12, swap)
    made = import_corrections(ExportSource(reopen(), "one"), read_cvat(path)[0])
    assert {one.kind for one in made} == {"identity"}
    assert stale(reopen()) == {"track one", "summarise one"}
    assert run_stale_items(reopen()).is_good
    assert stale(reopen()) == set()
    after = who_is_where(Tracks.load(Tracks.path(tmp_path, "one")))
    for (frame, identity), box in who_is_where(before["one"]).items():
        assert after[frame, swap.get(identity, identity) if frame >= 12 else identity] == box
    assert who_is_where(Tracks.load(Tracks.path(tmp_path, "two"))) == who_is_where(before["two"])


def test_a_second_import_of_an_export_replaces_the_first_and_an_untouched_one_undoes_it(
    reopen: Callable[[], Project], tmp_path: Path
) -> None:
    path = export(reopen(), "one", tmp_path / "out")
    untouched = path.read_bytes()
    exchange_identities(path, 12, exchange(Tracks.load(Tracks.path(tmp_path, "one"))))
    stored = Corrections.path(tmp_path, "one")
    import_corrections(ExportSource(reopen(), "one"), read_cvat(path)[0])
    text = stored.read_text()
    import_corrections(ExportSource(reopen(), "one"), read_cvat(path)[0])
    assert stored.read_text() == text
    path.write_bytes(untouched)
    assert import_corrections(ExportSource(reopen(), "one"), read_cvat(path)[0]) == []
    assert not stored.exists()
    assert stale(reopen()) == set()


def test_corrections_of_corrected_tracks_are_applied_after_the_first(
    reopen: Callable[[], Project], tmp_path: Path
) -> None:
    tracks = Tracks.load(Tracks.path(tmp_path, "one"))
    before, swap = who_is_where(tracks), exchange(tracks)
    for turn, frame in enumerate((12, 18)):
        path = export(reopen(), "one", tmp_path / f"out{turn}")
        exchange_identities(path, frame, swap)
        import_corrections(ExportSource(reopen(), "one"), read_cvat(path)[0])
        assert run_stale_items(reopen()).is_good
    assert len(Corrections.load(Corrections.path(tmp_path, "one")).group_by_base()) == 2
    after = who_is_where(Tracks.load(Tracks.path(tmp_path, "one")))
    for (frame, identity), box in before.items():
        assert after[frame, swap.get(identity, identity) if 12 <= frame < 18 else identity] == box


def test_the_command_takes_xml_and_coco_and_says_what_it_found(semflow: Any, made: Path, tmp_path: Path) -> None:
    semflow("export", "cvat", "--out", str(tmp_path / "cvat"))
    semflow("export", "coco", "--out", str(tmp_path / "coco"))
    assert semflow("import", "annotations", str(tmp_path / "cvat/film.xml"))["videos"] == {"film": {}}
    assert semflow("import", "annotations", str(tmp_path / "coco/annotations.json"))["videos"] == {"film": {}}
    assert not Corrections.path(made, "film").exists()
    value = json.loads((tmp_path / "coco/annotations.json").read_text())
    for annotation in value["annotations"]:
        if annotation["track_id"] == 1:
            annotation["attributes"]["track_id"] = annotation["track_id"] = 9
    del value["annotations"][-1]
    (tmp_path / "coco/annotations.json").write_text(json.dumps(value))
    answer = semflow("import", "annotations", str(tmp_path / "coco/annotations.json"))
    assert answer["videos"] == {"film": {"identity": 1, "delete": 1}}
    Corrections.path(made, "film").unlink()


def double_identity(path: Path, from_frame: int, identities: tuple[int, int]) -> None:
    """In the document, both objects have the second number from a frame on, as where an exchange was half done."""
    exchange_identities(path, from_frame, {identities[0]: identities[1]})


def test_an_identity_with_two_boxes_in_a_frame_is_refused_by_film_identity_and_frames(
    semflow: Any, made: Path, tracks: Tracks, tmp_path: Path
) -> None:
    first, second = np.unique(tracks.track_id[tracks.class_name == "person"]).tolist()
    both = np.intersect1d(tracks.frame[tracks.track_id == first], tracks.frame[tracks.track_id == second])
    frames = both[both >= 12]
    semflow("export", "cvat", "--out", str(tmp_path / "cvat"))
    semflow("export", "coco", "--out", str(tmp_path / "coco"))
    double_identity(tmp_path / "cvat/film.xml", 12, (first, second))
    table = json.loads((tmp_path / "coco/annotations.json").read_text())
    frame_of = {image["id"]: image["frame"] for image in table["images"]}
    for annotation in table["annotations"]:
        if annotation["track_id"] == first and frame_of[annotation["image_id"]] >= 12:
            annotation["attributes"]["track_id"] = annotation["track_id"] = second
    (tmp_path / "coco/annotations.json").write_text(json.dumps(table))
    said = f"identity {second} has two or more in {len(frames)} frames from {frames[0]} to {frames[-1]}"
    for file in ("cvat/film.xml", "coco/annotations.json"):
        refused = semflow("import", "annotations", str(tmp_path / file))
        assert refused["code"] == 2
        assert refused["error"].startswith(f"film: an identity must have at most one box in a frame, got: {said}")
        assert not Corrections.path(made, "film").exists()


def test_a_box_drawn_where_its_object_has_one_is_refused_and_no_other_film_is_imported(
    reopen: Callable[[], Project], tmp_path: Path
) -> None:
    path = export(reopen(), "one", tmp_path / "out")
    tree = ET.parse(path)
    object_1 = tree.findall("track")[0]
    drawn = copy.deepcopy(object_1.findall("box")[5])
    frame = drawn.get("frame")
    for side in ("xtl", "xbr"):
        drawn.set(side, str(float(drawn.get(side, "")) + 30))
    object_1.append(drawn)
    tree.write(path)
    with pytest.raises(BadInput, match=rf"one: .*identity \d has two or more in frame {frame}\. "):
        import_corrections(ExportSource(reopen(), "one"), read_cvat(path)[0])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.xml", "<annotations", "a.xml: must be XML, got unclosed token"),
        ("a.xml", "<annotations><meta/><image/></annotations>", "must be an export of CVAT as 'CVAT for video 1.1'"),
        ("a.json", '{"images": 3}', "a.json: must be COCO JSON with images, annotations and categories"),
        ("a.txt", "1,2,3", "FILE must end in .xml or .json, got a.txt"),
        (
            "a.xml",
            "<annotations><meta><task><source>other.mp4</source><original_size><width>96</width><height>64</height>"
            "</original_size></task></meta></annotations>",
            "FILE must name a video of the data set, got 'other.mp4'; name it with --video",
        ),
        (
            "a.xml",
            "<annotations><meta><task><source>film.mp4</source><original_size><width>90</width><height>90</height>"
            "</original_size></task></meta></annotations>",
            "the annotations must be of a film with the proportions 96x64, got 90x90",
        ),
        (
            "a.xml",
            '<annotations><meta><task><source>film.mp4</source></task></meta><track id="3" label="car">'
            '<box frame="2" xtl="5" ytl="1" xbr="5" ybr="9" outside="0"/></track></annotations>',
            "track 3, frame 2: a box must have left < right and top < bottom",
        ),
    ],
)
def test_what_cannot_be_imported_is_said_and_nothing_is_written(
    semflow: Any, made: Path, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    refused = semflow("import", "annotations", str(tmp_path / name))
    assert refused["code"] == 2
    assert said in refused["error"]
    assert not Corrections.path(made, "film").exists()
