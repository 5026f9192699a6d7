"""Trace rows of an artifact back to the film: the rows themselves, and the lineage of their artifact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from flows.overview.weight_licences import find_licence
from flows.reading.artifact_kinds import TABLES, find_kind
from flows.reading.artifact_source import ArtifactSource
from flows.reading.git_repository import Commit
from flows.versions.lineage import RAW_FOLDER, Lineage, LineageStep, SourceFilm, find_lineage
from flows.versions.recorded_version import RecordedVersion
from flows.versions.row_corrections import RowCorrection, find_row_corrections
from tasks.errors import SemflowError

MAX_ROWS = 20
"""Rows that are shown at most."""
HASH_DIGITS, COMMIT_DIGITS = 12, 10
FLOAT_DIGITS = 6


class RowChoice(NamedTuple):
    """The rows that are asked for; all None for none."""

    row: int | None = None
    frame: int | None = None
    track: int | None = None


@dataclass(frozen=True)
class Trace:
    """Rows of an artifact, and where it came from."""

    lineage: Lineage
    rows: tuple[Mapping[str, Any], ...] = ()
    """Values of the chosen rows, with `row`; images and encoded fields are left out."""
    detections: tuple[Mapping[str, Any], ...] = ()
    """The rows of the detections artifact that they were made of."""
    corrections: tuple[RowCorrection, ...] = ()
    """The corrections of tracks that are behind the rows."""
    notes: tuple[str, ...] = ()
    """What could not be told, and what to do."""

    def to_dict(self) -> dict[str, Any]:
        """Everything as values that JSON can represent."""
        lineage = self.lineage
        return {
            "artifact": lineage.artifact,
            "video": lineage.video,
            "version": lineage.version,
            "commit": lineage.commit or None,
            "rows": [dict(row) for row in self.rows],
            "detections": [dict(row) for row in self.detections],
            "corrections": [one.to_dict() for one in self.corrections],
            "notes": list(self.notes),
            "film": _film_to_dict(lineage.film),
            "steps": [_step_to_dict(step) for step in lineage.steps],
        }

    def __str__(self) -> str:
        return "\n".join(_describe(self))


def trace_artifact(source: ArtifactSource, artifact: str, video: str, choice: RowChoice) -> Trace:
    """The trace of an artifact of `video` in a version; raises SemflowError where there is no such row or recipe."""
    lineage = find_lineage(RecordedVersion(source), artifact, video)
    if choice == RowChoice():
        return Trace(lineage)
    if artifact not in TABLES:
        raise SemflowError(f"rows must be those of a table ({', '.join(TABLES)}), got {artifact}; leave them out")
    rows = _select_rows(source, artifact, video, choice)
    wanted = [row["detection"] for row in rows if isinstance(row.get("detection"), int) and row["detection"] >= 0]
    found = _read_rows(source, "detections", video) if wanted and artifact != "detections" else []
    detections = tuple(found[number] for number in wanted if number < len(found))
    keys = {(row["frame"], row["track_id"]) for row in rows if {"frame", "track_id"} <= row.keys()}
    try:
        corrections = tuple(find_row_corrections(source, lineage, keys))
    except SemflowError as error:
        return Trace(lineage, tuple(rows), detections, notes=(str(error),))
    return Trace(lineage, tuple(rows), detections, corrections)


def _select_rows(source: ArtifactSource, artifact: str, video: str, choice: RowChoice) -> list[dict[str, Any]]:
    rows = _read_rows(source, artifact, video)
    if choice.row is not None:
        if not 0 <= choice.row < len(rows):
            raise SemflowError(f"--row must lie in [0, {len(rows)}) for {artifact} of {video}, got {choice.row}")
        rows = [rows[choice.row]]
    for column, option, wanted in (("frame", "--frame", choice.frame), ("track_id", "--track", choice.track)):
        if wanted is None:
            continue
        if rows and column not in rows[0]:
            raise SemflowError(f"{option} must be given for a table with {column}, got {artifact}; use --row")
        rows = [row for row in rows if row[column] == wanted]
    if not rows:
        raise SemflowError(f"{artifact} of {video} must have such a row, got none for {_name_choice(choice)}")
    return rows[:MAX_ROWS]


def _name_choice(choice: RowChoice) -> str:
    return ", ".join(f"{name} {value}" for name, value in choice._asdict().items() if value is not None)


def _read_rows(source: ArtifactSource, artifact: str, video: str) -> list[dict[str, Any]]:
    """All rows of a table, by column, with their number."""
    import pyarrow.parquet as pq
    from pyarrow import types

    with pq.ParquetFile(source.locate(find_kind(artifact), [video])[video]) as file:
        names = [column.name for column in file.schema_arrow if not types.is_binary(column.type)]
        rows: list[dict[str, Any]] = file.read(names, use_threads=False).to_pylist()
    return [{"row": number, **row} for number, row in enumerate(rows)]


def _film_to_dict(film: SourceFilm | None) -> dict[str, Any] | None:
    return None if film is None else {**asdict(film), "added": _commit_to_dict(film.added)}


def _commit_to_dict(commit: Commit | None) -> dict[str, str] | None:
    return None if commit is None else commit._asdict()


def _step_to_dict(step: LineageStep) -> dict[str, Any]:
    method, recipe = step.method, step.recipe
    outputs = {folder: {name: list(file) for name, file in files.items()} for folder, files in recipe.outputs.items()}
    return {
        "stage": step.stage,
        "video": step.video,
        "key": recipe.key,
        "inputs": dict(step.inputs),
        "user_files": {
            argument: {"path": file.path, "commit": _commit_to_dict(file.commit)}
            for argument, file in step.user_files.items()
        },
        "outputs": outputs,
        "measures": None if recipe.measures is None else dict(recipe.measures),
        "error": recipe.error,
        "method": recipe.method,
        "params": None if method is None else dict(method.params),
        "code": None if method is None else dict(method.code),
        "weights": None if method is None else dict(method.weights),
        "weight_licences": None
        if method is None
        else {name: find_licence(name, sha)[0] for name, sha in method.weights.items()},
        "libraries": None if method is None else dict(method.libraries),
        "device": None if method is None else method.device or "any",
        "recorded": _commit_to_dict(step.recorded),
        "run": dict(step.run) or None,
    }


def _describe(trace: Trace) -> Iterator[str]:
    lineage = trace.lineage
    commit = f", commit {lineage.commit[:COMMIT_DIGITS]}" if lineage.commit else ""
    yield f"{lineage.artifact} of {lineage.video}, {lineage.version}{commit}"
    for row in trace.rows:
        yield f"  row {_format_row(row)}"
    for row in trace.detections:
        yield f"  made of detection {_format_row(row)}"
    for one in trace.corrections:
        yield from _describe_correction(one)
    for note in trace.notes:
        yield f"  note: {note}"
    if lineage.film is not None:
        yield from _describe_film(lineage.film)
    for step in lineage.steps:
        yield from _describe_step(step)


def _format_row(row: Mapping[str, Any]) -> str:
    values = {
        name: value for name, value in row.items() if name not in ("row", "video") and not isinstance(value, list)
    }
    return f"{row['row']}: " + ", ".join(f"{name} {_format_value(value)}" for name, value in values.items())


def _format_value(value: Any) -> str:
    return f"{value:.{FLOAT_DIGITS}g}" if isinstance(value, float) else str(value)


def _describe_correction(one: RowCorrection) -> Iterator[str]:
    first, last = one.frames
    where = f"frame {first}" if first == last else f"frames {first} to {last}"
    what = {
        "identity": f"identity {one.identity}" if one.identity else "a new identity",
        "class": f"class {one.class_name}",
        "move": "box moved",
        "add": f"box of a {one.class_name} drawn",
    }
    yield f"  row {one.row} of tracks is corrected: {what[one.kind]}, {where} of the film"
    yield f"    by        {one.file}, correction {one.place}; {_format_commit(one.written)}"
    yield f"    of        the export of tracks {one.base[:HASH_DIGITS]}; {_format_commit(one.exported)}"


def _describe_film(film: SourceFilm) -> Iterator[str]:
    yield f"\nfilm {RAW_FOLDER}/{film.file}"
    yield f"  SHA-256     {film.sha256 or 'not known: this film is not on this machine'}"
    yield f"  MD5         {film.md5}"
    yield f"  added       {_format_commit(film.added)}"


def _describe_step(step: LineageStep) -> Iterator[str]:
    yield f"\n{step.stage} {step.video}"
    yield f"  recorded    {_format_commit(step.recorded)}"
    if step.run:
        flow = f", Prefect flow run {step.run['flow_run']}" if step.run.get("flow_run") else ""
        yield f"  computed    {step.run.get('at')} on {step.run.get('host')}{flow}"
    for argument, origin in step.inputs.items():
        file = step.user_files.get(argument)
        written = "" if file is None else f", {_format_commit(file.commit)}"
        yield f"  reads       {argument}: {origin}{written}"
    for folder, files in step.recipe.outputs.items():
        size = sum(size for _, size in files.values())
        names = next(iter(files.values()))[0] if len(files) == 1 else f"{len(files)} files"
        yield f"  wrote       {folder}: {names}, {size:,} bytes"
    if step.method is None:
        yield "  method      not recorded"
        return
    method = step.method
    yield from _wrap("parameters", [f"{name} {value}" for name, value in method.params.items()])
    files = "1 file" if len(method.code) == 1 else f"{len(method.code)} files"
    yield f"  code        {files}, method {method.digest[:HASH_DIGITS]}"
    yield from _wrap("weights", [_format_weights(name, sha) for name, sha in method.weights.items()])
    yield from _wrap("libraries", [f"{name} {version}" for name, version in method.libraries.items()])
    yield f"  device      {method.device or 'any: it does not change the bytes'}"


def _format_weights(name: str, sha256: str) -> str:
    return f"{name} {sha256[:HASH_DIGITS]} (licence: {find_licence(name, sha256)[0]})"


def _format_commit(commit: Commit | None) -> str:
    if commit is None:
        return "in no commit that is known here"
    return f"{commit.at} in {commit.commit[:COMMIT_DIGITS]}, {commit.author}: {commit.subject}"


def _wrap(title: str, parts: list[str]) -> Iterator[str]:
    """Lines of at most 120 characters, the title before the first."""
    import textwrap

    lines = textwrap.wrap(", ".join(parts), 104, break_long_words=False) if parts else []
    for number, line in enumerate(lines):
        yield f"  {title if not number else '':<11} {line}"
