"""What people say about their data set in `dataset.yaml`: name, licence, creators. semflow cannot know these."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.engine.overview_files import NOTES_FILE
from tasks.errors import BadParams
from tasks.text import read_text
from tasks.yaml_values import read_yaml, shorten_value

MAX_BYTES = 1 << 20
REMEDY = f"mend {NOTES_FILE}"


class DatasetNotes(BaseModel):
    """The keys of dataset.yaml, all of them optional; the names are those of Croissant's properties."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    name: str = "Data set"
    """Its name."""
    description: str = ""
    """What it holds, in a sentence or some."""
    license: str = ""
    """Address of the licence of the data, such as https://creativecommons.org/licenses/by/4.0/."""
    url: str = ""
    """Address of its page."""
    creators: tuple[str, ...] = ()
    """Persons or organisations who made it."""
    date_published: str = Field(default="", pattern=r"^(\d{4}-\d{2}-\d{2})?$")
    """Year, month and day, in quotes: "2026-11-28"."""
    version: str = ""
    """Version of the data set, such as 1.2.0."""
    keywords: tuple[str, ...] = ()
    """Words by which it is found."""
    cite_as: str = ""
    """How to cite it, in BibTeX."""


def read_notes(root: Path) -> DatasetNotes:
    """The notes of the project at `root`, without any where there is no file; raises BadParams with file and line."""
    path = root / NOTES_FILE
    if not path.is_file():
        return DatasetNotes()
    node = read_yaml(read_text(path, NOTES_FILE, BadParams, MAX_BYTES), NOTES_FILE)
    values: Any = node.to_plain() or {}
    if not isinstance(values, dict):
        raise BadParams(f"{NOTES_FILE}:{node.line}: must have keys ({', '.join(DatasetNotes.model_fields)}), got none")
    try:
        return DatasetNotes.model_validate_json(json.dumps(values))
    except ValidationError as error:
        fault = error.errors()[0]
        key = str(fault["loc"][0])
        where = f"{NOTES_FILE}:{node.key_lines.get(key, node.line)}"
        if fault["type"] == "extra_forbidden":
            raise BadParams(f"{where}: {key} must be one of {', '.join(DatasetNotes.model_fields)}; {REMEDY}") from None
        got = shorten_value(cast("dict[str, Any]", values)[key])
        raise BadParams(f"{where}: {key}: {fault['msg']}, got {got}; {REMEDY}") from None
