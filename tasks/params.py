"""Typed parameters: one class per stage, a line of meaning under each field, values only in `params.yaml`.

An unknown key, a missing one or a wrong value is an error that names file, line, what was expected and what came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.device import DEVICE_PATTERN
from tasks.errors import BadParams
from tasks.text import read_text
from tasks.yaml_values import YamlNode, read_yaml, shorten_value

MAX_BYTES = 1 << 20
"""Of a file of parameters, which has some kilobytes."""
Lines = Mapping[tuple[str | int, ...], int]


class Params(BaseModel):
    """Base of all parameter classes: frozen, strict about types, closed to unknown keys and to NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False
    )
    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Former key to the key that replaced it: the error for a former key names the new one."""


class Compute(Params):
    """How to compute, not what: nothing here may change a result, so nothing here is part of a recipe."""

    device: str = Field(pattern=DEVICE_PATTERN)
    """auto (CUDA where there is one, else CPU), cpu, cuda, or cuda:N."""
    workers: int = Field(ge=0)
    """Worker processes, each with one item in hand; 0 for one per processor, as far as memory goes."""
    batch: int = Field(ge=1)
    """Images per call of a model on an accelerator (on a CPU batches gain nothing and models see one at a time)."""
    item_timeout_s: float = Field(ge=0)
    """Seconds after which an item (one stage of one video) is ended; 0 for 30 times what it is expected to take, and at
    least half an hour."""
    worker_memory_gb: float = Field(ge=0)
    """Gigabytes that one worker process may use before it is ended; 0 for an even share of 85 % of the memory."""
    store_raw: bool
    """Whether raw videos are copied into DVC's cache too, so that `dvc push` takes them along."""
    recompute: tuple[str, ...]
    """Stages whose artifacts are deleted once everything that reads them is up to date, and computed again when needed;
    their recipes stay. Neither DVC's cache nor its remote has these artifacts."""


S = TypeVar("S", bound=Params)


class ParamSections(dict[str, Params]):
    """The sections of params.yaml by name."""

    def get_section(self, kind: type[S]) -> S:
        """The section that the class `kind` describes; KeyError where no stage of the pipeline has one."""
        for found in self.values():
            if isinstance(found, kind):
                return found
        raise KeyError(kind.__name__)


def read_params(path: Path, sections: Mapping[str, type[Params]]) -> ParamSections:
    """Every section of `path`, checked by its class; raises BadParams at the first thing wrong."""
    try:
        text = read_text(path, str(path), BadParams, MAX_BYTES)
    except FileNotFoundError:
        raise BadParams(f"{path} must exist, got no such file; run this inside a semflow project") from None
    node = read_yaml(text, str(path))
    values = node.to_plain()
    if not isinstance(values, dict):
        got = "nothing" if values is None else f"a {type(values).__name__}"
        raise BadParams(f"{path}:{node.line}: must hold sections ({', '.join(sections)}), got {got}")
    for name in values:
        if name not in sections:
            line = node.key_lines[name]
            raise BadParams(f"{path}:{line}: section must be one of {', '.join(sections)}, got {shorten_value(name)}")
    return ParamSections({name: _section(path, node, name, kind) for name, kind in sections.items()})


def _section(path: Path, root: YamlNode, name: str, kind: type[Params]) -> Params:
    if name not in root.value:
        needs = ", ".join(kind.model_fields)
        raise BadParams(f"{path}:{root.line}: section {name!r} must be there, got none; it needs {needs}")
    section: Any = root.value[name].to_plain()
    if section is not None and not isinstance(section, dict):
        line = root.key_lines[name]
        raise BadParams(
            f"{path}:{line}: {name} must be a section with {', '.join(kind.model_fields)}, got {shorten_value(section)}"
        )
    try:
        # JSON mode takes lists for tuples, and stays strict about everything else.
        return kind.model_validate_json(json.dumps(section or {}))
    except ValidationError as error:
        # An unknown key first: where one is misspelt, that is the cause and the missing one the effect.
        first = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        lines = dict(root.iterate_lines())
        where = (name, *first["loc"])
        known = next(lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines)
        raise BadParams(f"{path}:{known}: {_words(cast('dict[str, Any]', first), where, kind)}") from None


def _words(fault: Mapping[str, Any], where: tuple[str | int, ...], kind: type[Params]) -> str:
    """What is wrong with the value at `where`."""
    key = ".".join(map(str, where))
    if fault["type"] == "extra_forbidden" and str(where[-1]) in kind.RENAMED:
        return f"{key} must be named {kind.RENAMED[str(where[-1])]}, got its former name; rename the key"
    if fault["type"] == "extra_forbidden":
        return f"{key} must be one of {', '.join(kind.model_fields)}, got an unknown key"
    if fault["type"] == "missing":
        return f"{key} must be given, got none"
    if fault["type"] == "value_error" and len(where) == 1:  # of the section as a whole: its words say what came
        return f"{key}: {fault['msg'].removeprefix('Value error, ')}"
    got = fault["input"]
    hint = "; YAML reads this as text: write it as 0.001 or 1.0e-3" if isinstance(got, str) and _is_number(got) else ""
    return f"{key}: {fault['msg'].removeprefix('Value error, ')}, got {shorten_value(got)}{hint}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "e" in text.lower()
