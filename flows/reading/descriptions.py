"""What each artifact holds and how it is read: rendered from the classes for docs/data.md and `semflow describe`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flows.reading.artifact_kinds import KINDS, OF_DATASET, STAGE_OF, TABLES, find_kind
from flows.reading.class_docs import read_field_docs
from flows.reading.table_schemas import find_schema
from tasks.artifacts.action_model import ActionModel, LinearHead
from tasks.artifacts.artifact import SCHEMA_VERSION, Artifact
from tasks.artifacts.artifact_docs import first_paragraph, make_reading_example
from tasks.artifacts.decode_report import DecodeReport
from tasks.artifacts.feature_axes import AxesMetadata, FeatureAxes
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata
from tasks.artifacts.semantic_field import FieldMetadata
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata, SemanticFlowPair
from tasks.artifacts.table import Table
from tasks.geometry.cell_grid import CellGrid

DETAILS: dict[type[Artifact], Sequence[type]] = {
    KINDS["frames"]: (DecodeReport,),
    KINDS["dense_flow"]: (FlowMetadata, FlowEncoding),
    FeatureAxes: (FeatureAxes, AxesMetadata),
    Features: (Features, FeatureMetadata, CellGrid),
    SemanticFlow: (SemanticFlow, SemanticFlowMetadata, SemanticFlowPair, CellGrid),
    ActionModel: (ActionModel, LinearHead),
    KINDS["semantic_field"]: (FieldMetadata,),
}
"""Classes whose fields describe an artifact beyond its columns."""


@dataclass(frozen=True)
class FieldDescription:
    """A column of a file, or a value about the whole file."""

    name: str
    kind: str
    """Type: that of the Parquet column, or of Python."""
    unit: str
    meaning: str


@dataclass(frozen=True)
class Description:
    """An artifact as documentation."""

    name: str
    path: str
    stage: str
    """The stage that makes it."""
    summary: str
    columns: tuple[FieldDescription, ...]
    facts: tuple[FieldDescription, ...]
    """Arrays and values of the whole file, by the classes that hold them."""
    example: str
    """Code that reads it, in the folder of a project that has a video `walk`."""


def describe_artifact(name: str) -> Description:
    """The description of the artifact `name`; SemflowError where there is none."""
    kind = find_kind(name)
    file = "dataset" if name in OF_DATASET else "<video>"
    return Description(
        name=name,
        path=f"{kind.FOLDER}/{file}{kind.SUFFIX}",
        stage=STAGE_OF[kind],
        summary=first_paragraph(kind),
        columns=tuple(_list_columns(kind)) if name in TABLES else (),
        facts=tuple(_list_facts(kind)),
        example=make_reading_example(name, "walk"),
    )


def _list_columns(kind: type[Artifact]) -> Iterator[FieldDescription]:
    for column in find_schema(kind):
        metadata = column.metadata or {}
        dtype = "dictionary of strings" if column.name == "video" else str(column.type).replace("item: ", "")
        nullable = ", or null" if column.nullable else ""
        unit, meaning = metadata.get(b"unit", b"").decode(), metadata.get(b"meaning", b"").decode()
        yield FieldDescription(column.name, dtype + nullable, unit, meaning)


def _list_facts(kind: type[Artifact]) -> Iterator[FieldDescription]:
    if issubclass(kind, Table):
        for field in kind.metadata_fields():
            unit, meaning = field.metadata["unit"], field.metadata["meaning"]
            yield FieldDescription(field.name, str(field.type), unit, meaning)
    for part in DETAILS.get(kind, ()):
        for name, (annotation, meaning) in read_field_docs(part).items():
            if not (name.isupper() or name.startswith("_")):
                yield FieldDescription(name, annotation, "", meaning)


def describe_all() -> list[Description]:
    """The descriptions of all artifacts, in the order of the pipeline."""
    return [describe_artifact(name) for name in KINDS]


HEAD = f"""\
# Data

Every artifact: its columns or arrays with units, what makes it, and how to read it. `semflow describe ARTIFACT` prints
the same. Written by `make docs` from the classes in `tasks/artifacts/`.

## What holds everywhere

- **Coordinates** are pixels at working size (`width` and `height` of the artifact), x to the right, y down; centres
  of pixels are at whole numbers. Boxes are left, top, right, bottom. Multiply by the source's width over the working
  width for pixels of the film.
- **Time** is the presentation time of the file in seconds (`pts_s`), right for variable frame rates too. `frame` is
  the row of the frames artifact. Windows and pairs have `start_s` and `end_s`.
- **Tables** have `video` in every row, so `data/tracks/*.parquet` is one data set in pandas, PyArrow, polars and
  DuckDB, and tables join on `video` and `frame`, or `video` and `track_id`. The metadata of a file name its artifact
  (`semflow.artifact`) and the version of its schema (`semflow.schema_version`, now {SCHEMA_VERSION}).
- **Arrays** (`.npy`) are opened by `np.load(path, mmap_mode="r")`; what is known about them stands as JSON behind the
  array, which `semflow` reads.
- **What is not kept.** Stages in `compute.recompute` (by default `decode` and `extract_features`) leave nothing.
  Where you want to read frames or features, take the stage out of the list and call `semflow run`; or open the
  working copy with `semflow.open(".", recompute=True)`, which computes again what is read. From a bucket come only
  artifacts that are kept.
- **A query over all of it**: `semflow sql "select video, count(distinct track_id) from tracks group by video"`.
"""


def render_page() -> str:
    """The page docs/data.md."""
    return "\n".join([HEAD, *map(render_markdown, describe_all())])


def render_markdown(one: Description) -> str:
    """The section about one artifact."""
    parts = [f"## {one.name}\n", f"`{one.path}`, made by `{one.stage}`. {one.summary}\n"]
    if one.columns:
        parts += ["| column | type | unit | meaning |", "|---|---|---|---|", *map(_row, one.columns), ""]
    if one.facts:
        head = "of the whole file" if one.columns else "field"
        parts += [f"| {head} | type | unit | meaning |", "|---|---|---|---|", *map(_row, one.facts), ""]
    return "\n".join([*parts, f"```python\n{one.example}```", ""])


def _row(field: FieldDescription) -> str:
    cells: tuple[Any, ...] = (f"`{field.name}`", f"`{field.kind}`", field.unit, field.meaning)
    return "| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |"
