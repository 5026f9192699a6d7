"""A trace as OpenLineage events: a START and a COMPLETE event for each item, in one JSON value a line.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets named below. Nothing is sent anywhere. The id
of a run is made of the recipe's key, so the same item is the same run in every project and on every machine.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flows.versions.lineage import RAW_FOLDER, Lineage, LineageStep, SourceFilm
from flows.versions.recorded_version import list_contents

SCHEMA_URL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = "https://openlineage.io/spec/facets"
VERSION_FACET = f"{FACETS}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
STATISTICS_FACET = f"{FACETS}/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
JOB_TYPE_FACET = f"{FACETS}/2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
RECIPE_FACET = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"
"""What a facet of our own extends; its fields are those of the recipe and its method."""
RUN_NAMESPACE = uuid.UUID("5f2a6d0c-8a51-4b2f-9f53-6f1f5d3d8f10")


def make_events(lineage: Lineage, namespace: str, producer: str) -> Iterator[dict[str, Any]]:
    """The events of every item, sources first. `namespace`: of jobs and data sets; `producer`: an address of semflow.

    The time is that of the commit that recorded the item, else of the run that computed it, else now.
    """
    made: dict[str, tuple[str, str]] = {}
    """Content hash of an artifact to its name and version."""
    for step in lineage.steps:
        run = {"runId": str(uuid.uuid5(RUN_NAMESPACE, step.recipe.key)), "facets": _make_run_facets(step, producer)}
        kind = {
            "_producer": producer,
            "_schemaURL": JOB_TYPE_FACET,
            "processingType": "BATCH",
            "integration": "SEMFLOW",
        }
        job = {"namespace": namespace, "name": step.stage, "facets": {"jobType": {**kind, "jobType": "STAGE"}}}
        common = {"eventTime": _find_time(step), "producer": producer, "schemaURL": SCHEMA_URL, "run": run, "job": job}
        inputs = [_make_dataset(namespace, *found, producer) for found in _list_inputs(step, lineage.film, made)]
        contents = list_contents(step.recipe)
        yield {"eventType": "START", **common, "inputs": inputs, "outputs": []}
        yield {"eventType": "COMPLETE", **common, "inputs": inputs, "outputs": _make_outputs(step, namespace, producer)}
        for folder, files in step.recipe.outputs.items():
            version = next(iter(files.values()))[0] if len(files) == 1 else step.recipe.key
            made[contents[folder]] = (f"{folder}/{step.video}", version)


def _find_time(step: LineageStep) -> str:
    if step.recorded is not None:
        return step.recorded.at
    at = str(step.run.get("at") or "")
    try:
        return datetime.strptime(at, "%Y-%m-%dT%H:%M:%S%z").isoformat()
    except ValueError:
        return datetime.now(UTC).isoformat(timespec="seconds")


def _list_inputs(
    step: LineageStep, film: SourceFilm | None, made: dict[str, tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """(name, version) of what the item read and that has a name of its own."""
    for argument, content in step.recipe.inputs.items():
        origin = step.inputs[argument]
        if content in made:
            yield made[content]
        elif film is not None and origin == f"{RAW_FOLDER}/{film.file}":
            yield origin, film.md5
        elif argument in step.user_files:
            yield step.user_files[argument].path, content


def _make_dataset(namespace: str, name: str, version: str, producer: str) -> dict[str, Any]:
    facet = {"_producer": producer, "_schemaURL": VERSION_FACET, "datasetVersion": version}
    return {"namespace": namespace, "name": name, "facets": {"version": facet}}


def _make_outputs(step: LineageStep, namespace: str, producer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for folder, files in step.recipe.outputs.items():
        version = next(iter(files.values()))[0] if len(files) == 1 else step.recipe.key
        size = sum(size for _, size in files.values())
        statistics = {
            "_producer": producer, "_schemaURL": STATISTICS_FACET, "size": size, "fileCount": len(files),
        }  # fmt: skip
        made = _make_dataset(namespace, f"{folder}/{step.video}", version, producer)
        found.append({**made, "outputFacets": {"outputStatistics": statistics}})
    return found


def _make_run_facets(step: LineageStep, producer: str) -> dict[str, Any]:
    recipe, method = step.recipe, step.method
    facet: dict[str, Any] = {
        "_producer": producer,
        "_schemaURL": RECIPE_FACET,
        "key": recipe.key,
        "video": step.video,
        "inputs": dict(recipe.inputs),
        "measures": dict(recipe.measures or {}),
        "commit": None if step.recorded is None else step.recorded.commit,
        "prefectFlowRun": step.run.get("flow_run"),
    }
    if method is not None:
        facet |= {
            "params": dict(method.params),
            "code": dict(method.code),
            "weights": dict(method.weights),
            "libraries": dict(method.libraries),
            "device": method.device,
        }
    return {"semflow_recipe": facet}
