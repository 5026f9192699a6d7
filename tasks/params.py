"""Typed parameters: one class per stage, a line of meaning under each field, values only in `params.yaml`.

An unknown key, a missing one or a wrong value is an error that names file, line, what was expected and what came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import BadParams


class Params(BaseModel):
    """Base of all parameter classes: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Compute(Params):
    """How to compute, not what: nothing here may change a result, so nothing here is part of a recipe."""

    device: str
    """auto (CUDA where there is one, else CPU), cpu, cuda, or cuda:N."""
    workers: int
    """Items in hand at once; 0 means one per processor."""
    batch: int
    """Images per call of a model on an accelerator (on a CPU batches gain nothing and models see one at a time)."""
    item_timeout_s: float = Field(ge=0)
    """Seconds after which an item that is still being made is ended; 0 means 30 times what is expected of it, and
    half an hour at least."""
    worker_memory_gb: float = Field(ge=0)
    """Gigabytes (10^9 bytes) of memory that a worker may use before it is ended; 0 means an equal share of 85 % of
    the machine's."""


def read_params(path: Path, sections: Mapping[str, type[Params]]) -> dict[str, Params]:
    """Every section of `path`, checked by its class; raises BadParams at the first thing wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        node, values = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except FileNotFoundError:
        raise BadParams(f"{path} must exist, got no such file; run this inside a semflow project") from None
    except yaml.YAMLError as error:
        raise BadParams(f"{path} must be YAML: {error}") from None
    if not isinstance(values, dict):
        raise BadParams(f"{path} must hold sections, got {type(values).__name__}")
    lines = _lines(node)
    for name in values:
        if name not in sections:
            raise BadParams(f"{path}:{lines[(name,)]}: section must be one of {', '.join(sections)}, got {name!r}")
    return {name: _section(path, lines, name, kind, values) for name, kind in sections.items()}


def _section(
    path: Path, lines: dict[tuple[Any, ...], int], name: str, kind: type[Params], values: dict[str, Any]
) -> Params:
    if name not in values:
        raise BadParams(f"{path}: section {name!r} must be there, got none; it needs {', '.join(kind.model_fields)}")
    section = values[name] if values[name] is not None else {}
    try:
        # JSON mode takes lists for tuples, and stays strict about everything else.
        return kind.model_validate_json(json.dumps(section))
    except ValidationError as error:
        # An unknown key first: where one is misspelt, that is the cause and the missing one the effect.
        first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        where = (name, *first["loc"])
        known = next(lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines)
        key = ".".join(map(str, where))
        if first["type"] == "extra_forbidden":
            expected = f"{key} must be one of {', '.join(kind.model_fields)}, got an unknown key"
        elif first["type"] == "missing":
            expected = f"{key} must be given, got none"
        else:
            expected = f"{key}: {first['msg']}, got {first['input']!r}"
        raise BadParams(f"{path}:{known}: {expected}") from None


def _lines(node: yaml.Node | None, prefix: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], int]:
    """Line (from 1) of every key, by its path."""
    found: dict[tuple[Any, ...], int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in cast("list[tuple[yaml.ScalarNode, yaml.Node]]", node.value):
            found[(*prefix, key.value)] = key.start_mark.line + 1
            found |= _lines(value, (*prefix, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(cast("list[yaml.Node]", node.value)):
            found[(*prefix, index)] = value.start_mark.line + 1
            found |= _lines(value, (*prefix, index))
    return found
