"""Recipes: the inputs, method and outputs of each item, as JSON files.

An item's recipe is `data/recipes/<stage>/<stem>.recipe.json`: the content hashes of its inputs, the method, the key of
both, and hashes, sizes and measures of the outputs (or the error, where the input was invalid). The method, which is
the same for every video of a stage (parameters, code, weights, libraries, kind of device), is stored once beside them,
in `<digest>.method.json`. Neither contains a time, host or run id, so the same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

RECIPE_FOLDER = "data/recipes"
MD5 = re.compile("[0-9a-f]{32}")
RECIPE_SUFFIX, METHOD_SUFFIX = ".recipe.json", ".method.json"
Files = Mapping[str, tuple[str, int]]
"""Name below an artifact's path ("" for a single file) to MD5 and size in bytes."""
Outputs = Mapping[str, Files]
"""Artifact folder to the files of the item's artifact there; {} where the input was invalid."""


Explain = Callable[[str, str, str], str]


@dataclass(frozen=True)
class Method:
    """The part of a key that is the same for all videos of a stage."""

    stage: str
    params: Mapping[str, Any]
    """Parameter to value: the stage's section of params.yaml, and other sections that it reads, `<argument>.<key>`."""
    code: Mapping[str, str]
    """Module or data file to the fingerprint of its code."""
    weights: Mapping[str, str]
    """Name of the weights to their SHA-256."""
    libraries: Mapping[str, str]
    """Distribution to version."""
    device: str
    """Kind of device where the bytes depend on it (`cpu-avx2`, `cuda-fp16`, ...); "" where they do not."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the method as canonical JSON."""
        return _sha256(asdict(self))

    @cached_property
    def digest_on_any_device(self) -> str:
        """SHA-256 of the method without its device."""
        return _sha256([self.stage, self.params, self.code, self.weights, self.libraries])

    def to_text(self) -> str:
        """The content of the method file."""
        return json.dumps(asdict(self), sort_keys=True, indent=1) + "\n"


def parse_method(text: str) -> Method | None:
    """The method in `text`, or None where it is not valid."""
    try:
        fields = json.loads(text)
        kinds = [isinstance(fields[part], dict) for part in ("params", "code", "weights", "libraries")]
        kinds += [isinstance(fields[part], str) for part in ("stage", "device")]
        return Method(**fields) if all(kinds) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


@dataclass(frozen=True)
class Recipe:
    """One item's recipe."""

    video: str
    stage: str
    method: str
    """Digest of the Method."""
    inputs: Mapping[str, str]
    """Argument name to the content hash of its artifact; a raw video's name counts too."""
    outputs: Outputs
    error: str | None = None
    measures: Mapping[str, int | float] | None = None
    """Name to value, see measures.py; None where they are not known: an older version wrote the recipe."""

    @cached_property
    def key(self) -> str:
        """SHA-256 over everything that determines the item's bytes."""
        return make_key(self.stage, self.method, self.inputs)

    def to_text(self) -> str:
        """The content of the recipe file, with a hash over all of it (`seal`), by which edits are detected."""
        body = self._body()
        return json.dumps({**body, "seal": _sha256(body)}, sort_keys=True, indent=1) + "\n"

    def _body(self) -> dict[str, Any]:
        outputs = {folder: {name: list(file) for name, file in files.items()} for folder, files in self.outputs.items()}
        return {
            "video": self.video,
            "stage": self.stage,
            "key": self.key,
            "method": self.method,
            "inputs": dict(self.inputs),
            "outputs": outputs,
            "error": self.error,
        } | ({} if self.measures is None else {"measures": dict(self.measures)})


def parse_recipe(text: str) -> Recipe | None:
    """The recipe in `text`, or None where it is not valid or was edited since the engine wrote it."""
    try:
        fields = json.loads(text)
        seal = fields.pop("seal")
        if seal != _sha256(fields):
            return None
        recipe = _make_recipe(fields, parse_outputs(fields["outputs"]))
        return recipe if _is_well_formed(recipe) and recipe.key == fields["key"] else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def parse_outputs(value: Any) -> Outputs:
    """Outputs from their JSON value; raises ValueError where it is not valid or names a file outside the artifact."""
    found: dict[str, Files] = {}
    for folder, files in value.items():
        found[folder] = {name: (md5, size) for name, (md5, size) in files.items()}
        for name, (md5, size) in found[folder].items():
            parts = PurePosixPath(name).parts
            inside = not (name.startswith("/") or "\\" in name or ".." in parts or name != "/".join(parts))
            if not inside or MD5.fullmatch(md5) is None or type(size) is not int or size < 0:
                raise ValueError(f"{name!r} must be a file below its artifact, with its MD5 and size")
    return found


def _is_well_formed(recipe: Recipe) -> bool:
    """Whether all values have the declared types."""
    texts: list[Any] = [recipe.video, recipe.stage, recipe.method, *recipe.inputs.values()]
    texts += [] if recipe.error is None else [recipe.error]
    files: list[Any] = [file for files in recipe.outputs.values() for file in files.values()]
    measures: list[Any] = list((recipe.measures or {}).values())
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(md5, str) and type(size) is int for md5, size in files)
        and all(type(measure) in (int, float) for measure in measures)
    )


def parse_trusted_recipe(fields: dict[str, Any]) -> Recipe:
    """The recipe from JSON fields that were verified before: its seal and key are not computed again."""
    outputs = {
        folder: {name: (md5, size) for name, (md5, size) in files.items()}
        for folder, files in fields["outputs"].items()
    }
    recipe = _make_recipe(fields, outputs)
    recipe.__dict__["key"] = fields["key"]
    return recipe


def _make_recipe(fields: Mapping[str, Any], outputs: Outputs) -> Recipe:
    measures: Any = fields.get("measures")
    if "measures" in fields and not isinstance(measures, dict):
        raise TypeError("measures must be a mapping")
    return Recipe(
        video=fields["video"],
        stage=fields["stage"],
        method=fields["method"],
        inputs=fields["inputs"],
        outputs=outputs,
        error=fields["error"],
        measures=measures,
    )


def make_key(stage: str, method: str, inputs: Mapping[str, str]) -> str:
    """SHA-256 of the stage's name, the method's digest and the content hashes of the item's inputs."""
    return _sha256([stage, method, dict(inputs)])


def recipe_path(root: Path, stage: str, stem: str) -> Path:
    """Path of an item's recipe file."""
    return root / RECIPE_FOLDER / stage / f"{stem}{RECIPE_SUFFIX}"


def method_path(root: Path, stage: str, digest: str) -> Path:
    """Path of a method file."""
    return root / RECIPE_FOLDER / stage / f"{digest}{METHOD_SUFFIX}"


def compare_methods(old: Method, new: Method, explain: Explain) -> list[str]:
    """The differences, one text each with old and new value: parameters first, then code, weights, libraries, device.

    `explain` gives the text for a module, from its name and two hashes.
    """
    missing = object()
    found: list[str] = []
    for part in ("params", "code", "weights", "libraries"):
        before, after = getattr(old, part), getattr(new, part)
        names = sorted(before.keys() | after.keys())
        changed = [name for name in names if before.get(name, missing) != after.get(name, missing)]
        found += [_phrase(part, name, before, after, explain) for name in changed]
    if old.device != new.device:
        found.append(f"device: {old.device or 'any'} -> {new.device or 'any'}")
    return found


def _phrase(part: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any], explain: Explain) -> str:
    if part == "code":
        if name in before and name in after:
            return f"code {explain(name, before[name], after[name])}"
        return f"code {name} {'is new' if name not in before else 'is gone'}"
    thing = {"params": "parameter", "weights": "weights", "libraries": "library"}[part]
    old, new = (str(values[name]) if name in values else "none" for values in (before, after))
    if part == "weights":
        old, new = old[:12], new[:12]
    return f"{thing} {name}: {old} -> {new}"


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
