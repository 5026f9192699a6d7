"""The option `--set KEY=VALUE ...`: parameter values that replace those of params.yaml in one evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from flows.cli.command_options import list_option
from tasks.errors import BadParams
from tasks.params import Params
from tasks.yaml_values import read_yaml

P = TypeVar("P", bound=Params)


def set_option(section: str, example: str) -> Callable[[Any], Any]:
    """The option `--set`, for values of `section`."""
    return list_option(
        "--set",
        default=(),
        metavar="KEY=VALUE",
        help=f"values to use instead of those of {section} in params.yaml: --set {example}",
    )


def apply_overrides(params: P, changes: Iterable[str]) -> P:
    """`params` with `KEY=VALUE` texts applied, values parsed as YAML; raises BadParams where one is not valid."""
    section = type(params)
    values: dict[str, Any] = params.model_dump(mode="json")
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals or key not in section.model_fields:
            raise BadParams(f"--set must be KEY=VALUE with a key of {', '.join(section.model_fields)}, got {change!r}")
        values[key] = read_yaml(value, f"--set {key}").to_plain()
    try:
        return section.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise BadParams(f"--set {' '.join(changes)}: {key}: {first['msg']}, got {first['input']!r}") from None
