"""Recipes: what an artifact was made of, and whether it is still what would be made today.

Beside every artifact lies `<video>.recipe.json`: the key, the ingredients behind the key, and the hashes of what came
out (or the error, where the input was at fault). An item is fresh when its key is the one expected today and its bytes
are there. No clock, host or run id enters: the same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.artifacts.artifact import Artifact
from tasks.content import write_atomically
from tasks.fingerprint import fingerprint, library_version
from tasks.params import Params
from tasks.stage import Stage

RECIPE = ".recipe.json"


@dataclass(frozen=True)
class Ingredients:
    """All that decides an item's bytes."""

    stage: str
    inputs: Mapping[str, str]
    """Argument name to the content hash of its artifact."""
    params: Mapping[str, Any]
    """The stage's section of params.yaml, and as `<argument>.<key>` those of other stages that it reads."""
    code: Mapping[str, str]
    """Module to the fingerprint of its code."""
    weights: Mapping[str, str]
    """Weights to their SHA-256."""
    libraries: Mapping[str, str]
    """Distribution to its version."""

    @property
    def key(self) -> str:
        """SHA-256 of the ingredients written as canonical JSON."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Recipe:
    """What lies beside an artifact."""

    key: str
    ingredients: Ingredients
    output: Mapping[str, str]
    """File to MD5 as `Hashes.of` gives it; empty where there is an error."""
    error: str | None

    @classmethod
    def path(cls, kind: type[Artifact], root: Path, video: str) -> Path:
        """Where the recipe of `video`'s artifact of class `kind` lies."""
        return root / kind.FOLDER / f"{video}{RECIPE}"

    def save(self, path: Path) -> None:
        """Write as sorted, indented JSON: a person may read it, and equal recipes are equal bytes."""
        write_atomically(path, json.dumps(asdict(self), sort_keys=True, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Recipe | None:
        """The recipe at `path`, or None where there is none that this version can read."""
        try:
            fields: Any = json.loads(path.read_text(encoding="utf-8"))
            found = cls(fields["key"], Ingredients(**fields["ingredients"]), fields["output"], fields["error"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return found if _is_sound(fields) else None


def _is_sound(fields: Any) -> bool:
    """Whether what a file holds has a recipe's types; an error and an output exclude each other."""
    made_of, error, output = fields["ingredients"], fields["error"], fields["output"]
    texts = [made_of["inputs"], made_of["code"], made_of["weights"], made_of["libraries"], output]
    return (
        isinstance(fields["key"], str)
        and isinstance(made_of["stage"], str)
        and isinstance(made_of["params"], dict)
        and all(isinstance(part, dict) for part in texts)
        and all(isinstance(value, str) for part in texts for value in part.values())
        and (error is None or (isinstance(error, str) and not output))
    )


def ingredients(
    stage: Stage[..., Any], params: Params, inputs: Mapping[str, str], also: Mapping[str, Params] | None = None
) -> Ingredients:
    """What `stage` would be made of today, given its parameters, the content hashes of its inputs, and the parameters
    of other stages that it reads, by argument name."""
    others = {
        f"{name}.{key}": value
        for name, section in (also or {}).items()
        for key, value in section.model_dump(mode="json").items()
    }
    return Ingredients(
        stage=stage.name,
        inputs=dict(inputs),
        params=params.model_dump(mode="json") | others,
        code=dict(fingerprint(stage.module)),
        weights={name: _weights_hash(name) for name in stage.weights(params, *(also or {}).values())},
        libraries={name: library_version(name) for name in stage.libraries},
    )


def _weights_hash(name: str) -> str:
    from tasks.weights.catalog import weights_sha256

    return weights_sha256(name)


def difference(old: Ingredients, new: Ingredients) -> str:
    """The first ingredient that differs, in words; "" where none does."""
    for part in ("params", "inputs", "code", "weights", "libraries"):
        before, after = getattr(old, part), getattr(new, part)
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                return _words(part, name, before.get(name), after.get(name))
    return ""


def _words(part: str, name: str, before: Any, after: Any) -> str:
    if part == "inputs":
        return f"input {name} changed"
    if part == "code":
        what = "is new" if before is None else "is gone" if after is None else "changed"
        return f"code {name} {what}"
    thing = {"params": "parameter", "weights": "weights", "libraries": "library"}[part]
    shorten = (lambda v: str(v)[:12]) if part == "weights" else str
    return f"{thing} {name}: {shorten(before)} -> {shorten(after)}"
