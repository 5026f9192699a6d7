"""The data set in Croissant 1.1 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html), for machines.

JSON-LD beside the index page: the files with checksums, a record set for each table with its columns, and provenance in
PROV-O: the raw videos, and each stage with parameters, code, weights and libraries. Checksums are SHA-256, and the MD5
that DVC records; the SHA-256 of `project` is over all of these. What semflow cannot know, such as the licence, is left
out unless dataset.yaml says it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flows.overview.dataset_facts import ArtifactFacts, DatasetFacts, StageFacts

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = "http://mlcommons.org/croissant/1.1"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification recommends (its appendix 1), with PROV-O."""
FORMATS = {".parquet": "application/x-parquet", ".npz": "application/zip", ".npy": "application/x-npy"}
"""Ending to media type; without a registered one as mlcroissant names it."""
OTHER_FORMAT = "application/octet-stream"
PROJECT = "project"
PROJECT_WORDS = (
    "The git repository of the project, with its data (`dvc pull`). The checksum is the SHA-256 of a line `MD5  path` "
    "of each file below, sorted by path."
)
DESCRIPTION = "Features of {count} videos, made by semflow: {names}."


def render_croissant(facts: DatasetFacts) -> str:
    """The text of dataset.json; the same facts give the same bytes."""
    kept = [one for one in facts.artifacts if one.is_kept and one.files]
    notes = facts.notes
    description = notes.description or DESCRIPTION.format(count=facts.videos, names=", ".join(one.name for one in kept))
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": notes.name,
        "description": description,
        "conformsTo": VERSION,
        "license": notes.license,
        "url": notes.url,
        "creator": [{"@type": "sc:Organization", "name": name} for name in notes.creators],
        "datePublished": notes.date_published,
        "version": notes.version,
        "keywords": list(notes.keywords),
        "citeAs": notes.cite_as,
        "prov:wasDerivedFrom": [_raw_entity(path, md5) for path, md5 in facts.raw.items()],
        "prov:wasGeneratedBy": [_activity(stage) for stage in facts.stages],
        "distribution": [
            _project(facts),
            *map(_file_set, kept),
            *(file for one in kept for file in _files(one, facts)),
        ],
        "recordSet": [record_set for one in kept if (record_set := _record_set(one))],
    }
    return "{\n" + ",\n".join(_write_entry(key, value) for key, value in document.items() if value) + "\n}\n"


def _write_entry(key: str, value: Any) -> str:
    """A key of the document with its value, a list with an item a line: short, and a change shows as its lines."""
    if isinstance(value, list):
        items: list[Any] = value
        return f" {json.dumps(key)}: [\n" + ",\n".join(f"  {_write_json(item)}" for item in items) + "\n ]"
    return f" {json.dumps(key)}: {_write_json(value)}"


def _write_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _raw_entity(path: str, md5: str) -> dict[str, Any]:
    return {"@type": "prov:Entity", "@id": f"data/raw/{path}", "name": path, "md5": md5}


def _activity(stage: StageFacts) -> dict[str, Any]:
    """A stage as an activity of PROV-O; parameters as properties, which schema.org has for them."""
    weights = [{"@type": "prov:Entity", "name": name, "sha256": sha256} for name, sha256 in stage.weights.items()]
    agents = [
        {"@type": "prov:SoftwareAgent", "name": name, "softwareVersion": version}
        for name, version in stage.libraries.items()
    ]
    return {
        "@type": "prov:Activity",
        "@id": f"stage/{stage.name}",
        "name": stage.name,
        "identifier": f"code {stage.code}",
        "prov:used": [*(_named(folder) for folder in stage.reads), *weights],
        "prov:generated": [_named(folder) for folder in stage.writes],
        "prov:wasAssociatedWith": agents,
        "additionalProperty": [
            {"@type": "sc:PropertyValue", "name": key, "value": json.dumps(value)}
            for key, value in stage.params.items()
        ],
    }


def _named(folder: str) -> dict[str, Any]:
    """A folder as an entity: by name, since readers of Croissant follow references without looking for circles."""
    return {"@type": "prov:Entity", "name": folder}


def _project(facts: DatasetFacts) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": PROJECT,
        "name": PROJECT,
        "description": PROJECT_WORDS,
        "contentUrl": "..",
        "encodingFormat": "git+https",
        "sha256": facts.sha256,
    }


def _file_set(one: ArtifactFacts) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": one.folder,
        "name": one.name,
        "containedIn": {"@id": PROJECT},
        "encodingFormat": FORMATS.get(one.suffix, OTHER_FORMAT),
        "includes": f"{one.folder}/*{one.suffix}",
        "prov:wasGeneratedBy": {"@type": "prov:Activity", "name": one.stage},
    }


def _files(one: ArtifactFacts, facts: DatasetFacts) -> Iterator[dict[str, Any]]:
    for path, (md5, size) in sorted(one.files.items()):
        yield {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "containedIn": {"@id": PROJECT},
            "contentUrl": path,
            "contentSize": f"{size} B",
            "encodingFormat": FORMATS.get(one.suffix, OTHER_FORMAT),
            **({"sha256": facts.file_sha256[md5]} if md5 in facts.file_sha256 else {}),
            "md5": md5,
        }


def _record_set(one: ArtifactFacts) -> dict[str, Any] | None:
    """The record set of a table; None for an artifact that is none."""
    from flows.reading.artifact_kinds import KINDS, TABLES
    from flows.reading.table_schemas import find_schema
    from tasks.artifacts.artifact_docs import first_paragraph

    if one.name not in TABLES or one.folder != KINDS[one.name].FOLDER:
        return None
    kind = KINDS[one.name]
    return {
        "@type": "cr:RecordSet",
        "@id": one.name,
        "name": one.name,
        "description": first_paragraph(kind),
        "field": [_field(one, column) for column in find_schema(kind)],
    }


def _field(one: ArtifactFacts, column: pa.Field) -> dict[str, Any]:
    import pyarrow as pa

    metadata = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    unit = metadata.get("unit", "")
    words = metadata.get("meaning", "") + (f" ({unit})" if unit else "")
    kind, shape = column.type, ""
    while pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        width = str(kind.list_size) if pa.types.is_fixed_size_list(kind) else "-1"
        kind, shape = kind.value_type, f"{shape},{width}" if shape else width
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{one.name}/{column.name}",
        "name": column.name,
        "description": words or column.name,
        "dataType": _data_type(kind),
        "source": {"fileSet": {"@id": one.folder}, "extract": {"column": column.name}},
    }
    return found | ({"isArray": True, "arrayShape": shape} if shape else {})


def _data_type(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return f"cr:{'U' if pa.types.is_unsigned_integer(kind) else ''}Int{kind.bit_width}"
    if pa.types.is_floating(kind):
        return f"cr:Float{kind.bit_width}"
    return "sc:Text"  # of mlcroissant's types the one for bytes too
