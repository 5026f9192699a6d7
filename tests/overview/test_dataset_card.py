"""The card of the data set: what the page says, and dataset.json in Croissant 1.1, which its own library reads."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.engine.overview_files import NOTES_FILE
from flows.overview.card_section import make_card
from flows.overview.croissant import render_croissant
from flows.overview.dataset_facts import ArtifactFacts, DatasetFacts, StageFacts
from flows.overview.dataset_notes import DatasetNotes, read_notes
from flows.overview.index_page import IndexItem, render_index
from tasks.content_hash import md5_file
from tasks.errors import BadParams
from tasks.weights.catalog import weights_sha256
from tests.overview.test_index_page import ACCOUNT
from tests.reading import conftest as films

NOTES = DatasetNotes(name="Films", license="https://spdx.org/licenses/CC-BY-4.0.html", creators=("A studio",))
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
READ_RECORDS = """
import itertools, json, sys
import mlcroissant
data = mlcroissant.Dataset(jsonld=sys.argv[1])
rows = list(itertools.islice(data.records("tracks"), 3))
print(json.dumps({"errors": sorted(str(one) for one in data.metadata.ctx.issues.errors),
    "sets": sorted(one.id for one in data.metadata.record_sets),
    "video": rows[0]["tracks/video"].decode(), "frames": [int(row["tracks/frame"]) for row in rows]}))
"""


def make_facts(files: Mapping[str, tuple[str, int]], notes: DatasetNotes = NOTES) -> DatasetFacts:
    """Tracks that are kept and frames that are not, by two stages."""
    frames = ArtifactFacts("data/frames", ".parquet", "decode", False, {"data/frames/a.parquet": (MD5, 900)}, 1)
    tracks = ArtifactFacts("data/tracks", ".parquet", "track", True, files, len(files))
    weights = {"yolo26n": weights_sha256("yolo26n"), "mine": "0" * 64}
    read = {"frames": 3000, "damaged_frames": 6, "lost_frames": 4, "film_s": 120.0}
    decode = StageFacts(
        "decode", "c0de", {"max_side": 640}, {}, {"av": "18.1.0"}, read, 2, ("data/raw",), ("data/frames",)
    )
    shares = {"frames": 3000, "tracked_share": 0.875}
    track = StageFacts("track", "c0de", {}, weights, {"numpy": "2.4.6"}, shares, 2, ("data/frames",), ("data/tracks",))
    return DatasetFacts(notes, (frames, tracks), (decode, track), {"a.mp4": MD5}, 2)


FACTS = make_facts({"data/tracks/b ü.parquet": (MD5, 7_000_000), "data/tracks/a.parquet": (MD5, 5_000_000)})


def read_document(facts: DatasetFacts) -> dict[str, Any]:
    return json.loads(render_croissant(facts))


def test_every_kept_file_is_there_with_its_checksum_and_size() -> None:
    files = [one for one in read_document(FACTS)["distribution"] if one["@type"] == "cr:FileObject"]
    assert [(one["@id"], one.get("contentSize")) for one in files[1:]] == [
        ("data/tracks/a.parquet", "5000000 B"),
        ("data/tracks/b ü.parquet", "7000000 B"),
    ]
    assert files[0]["@id"] == "project" and files[0]["sha256"] == FACTS.sha256
    assert files[1]["md5"] == MD5


def test_a_table_is_a_record_set_with_types_units_and_shapes() -> None:
    (tracks,) = read_document(FACTS)["recordSet"]
    fields = {one["name"]: one for one in tracks["field"]}
    assert (fields["video"]["dataType"], fields["frame"]["dataType"]) == ("sc:Text", "cr:Int32")
    assert fields["pts_s"]["description"] == "presentation time of the frame (s)"
    assert fields["x1"]["source"] == {"fileSet": {"@id": "data/tracks"}, "extract": {"column": "x1"}}
    poses = ArtifactFacts("data/poses", ".parquet", "track", True, {"data/poses/a.parquet": (MD5, 1)}, 1)
    facts = DatasetFacts(NOTES, (poses,), (), {}, 1)
    (found,) = read_document(facts)["recordSet"]
    x = next(one for one in found["field"] if one["name"] == "x")
    assert (x["dataType"], x["isArray"], x["arrayShape"]) == ("cr:Float32", True, "26")


def test_provenance_names_raw_videos_parameters_weights_and_libraries() -> None:
    document = read_document(FACTS)
    assert document["prov:wasDerivedFrom"][0]["@id"] == "data/raw/a.mp4"
    decode, track = document["prov:wasGeneratedBy"]
    assert decode["additionalProperty"] == [{"@type": "sc:PropertyValue", "name": "max_side", "value": "640"}]
    assert decode["prov:wasAssociatedWith"][0] == {
        "@type": "prov:SoftwareAgent", "name": "av", "softwareVersion": "18.1.0"
    }  # fmt: skip
    assert track["prov:used"][1]["sha256"] == weights_sha256("yolo26n")


def test_what_nobody_stated_is_left_out_and_what_was_stated_is_there() -> None:
    document = read_document(make_facts({}, DatasetNotes()))
    assert document["name"] == "Data set" and document["description"]
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert {"license", "creator", "url", "datePublished", "recordSet"}.isdisjoint(document)
    assert read_document(FACTS)["license"] == NOTES.license


def test_the_same_facts_give_the_same_bytes_in_any_order_of_files() -> None:
    turned = make_facts(dict(reversed(list(FACTS.artifacts[1].files.items()))))
    assert render_croissant(turned) == render_croissant(FACTS)
    assert turned.sha256 == FACTS.sha256 != make_facts({}).sha256


def test_the_page_shows_figures_cost_licences_and_parameters() -> None:
    items = [IndexItem("a", account=ACCOUNT, tracks={"person": 2, "dog": 1}), IndexItem("b", "failed")]
    card = make_card(FACTS, items)
    figures = dict(card.figures)
    assert (figures["films"], figures["tracks of people"], figures["classes of objects"]) == ("2", "2", "2")
    assert (figures["stored"], figures["frames damaged or lost"]) == ("12.00 MB", "0.33 %")
    unhurt = replace(FACTS, stages=tuple(replace(one, measures={}) for one in FACTS.stages))
    assert "frames damaged or lost" not in dict(make_card(unhurt, items).figures)
    frames, tracks = card.artifacts
    assert (frames.size, frames.coverage, tracks.coverage) == ("not kept", "1 of 2", "2 of 2")
    assert tracks.measures == "tracked share 0.875"
    assert (frames.time, figures["to compute again"]) == ("3.0 s", "12 s"), "3,000 frames at 1 and 3 ms"
    assert (figures["length"], figures["frames"]) == ("2 min", "3\u202f000")
    assert {row.name: row.licence for row in card.weights} == {"yolo26n": "AGPL-3.0", "mine": "your own"}
    html = render_index(items, None, FACTS)
    assert "<h1>Films</h1>" in html and "max_side: 640" in html and FACTS.sha256 in html


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nlicence: b\n", r"dataset.yaml:2: licence must be one of name, description, license"),
        ("version: 1.0\n", r"dataset.yaml:1: version: .*, got 1.0"),
        ("name: a\ndate_published: yesterday\n", r"dataset.yaml:2: date_published: .*, got 'yesterday'"),
        ("- a\n", r"dataset.yaml:1: must have keys"),
    ],
)
def test_wrong_notes_are_named_with_their_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / NOTES_FILE).write_text(text)
    with pytest.raises(BadParams, match=words):
        read_notes(tmp_path)


def test_notes_are_optional(tmp_path: Path) -> None:
    assert read_notes(tmp_path) == DatasetNotes()
    (tmp_path / NOTES_FILE).write_text("# nothing yet\n")
    assert read_notes(tmp_path) == DatasetNotes()


@pytest.mark.slow
def test_the_library_of_croissant_finds_no_error_and_reads_the_rows(tmp_path: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv, which makes an environment of its own for mlcroissant")
    films.write_film(tmp_path, "steady")
    path = tmp_path / "data/tracks/steady.parquet"
    facts = make_facts({"data/tracks/steady.parquet": (md5_file(path), path.stat().st_size)})
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    facts = replace(facts, file_sha256={md5_file(path): sha256})
    assert [one.get("sha256") for one in read_document(facts)["distribution"]][-1] == sha256
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/dataset.json").write_text(render_croissant(facts))
    command = [uv, "run", "--quiet", "--no-project", "--python", sys.executable, "--with", "mlcroissant==1.1.1"]
    arguments = ["--with", "pyarrow==26.0.1", "python", "-c", READ_RECORDS, str(tmp_path / "reports/dataset.json")]
    done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"errors": [], "sets": ["tracks"], "video": "steady", "frames": [0, 1, 2]}
