"""Recipes: what an artifact was made of, and what came out.

An item's recipe lies at `data/recipes/<stage>/<stem>.recipe.json`: the content hashes of what it read, the method, the
key of both, and the hashes and sizes of what came out (or the error, where the input was at fault). The method, all
that is the same for every video of a stage (parameters, code, weights, libraries, kind of device), lies once beside
them, in `<digest>.method.json`. No clock, host or run id enters: the same inputs give the same bytes.
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
"""Artifact folder to the files of the item's artifact there; {} where the input was at fault."""


Explain = Callable[[str, str, str], str]


@dataclass(frozen=True)
class Method:
    """How a stage makes its artifacts: everything of a key that does not change from video to video."""

    stage: str
    params: Mapping[str, Any]
    """The stage's section of params.yaml, and as `<argument>.<key>` those of other stages that it reads."""
    code: Mapping[str, str]
    """Module or data file to the fingerprint of its code."""
    weights: Mapping[str, str]
    """Weights to their SHA-256."""
    libraries: Mapping[str, str]
    """Distribution to its version."""
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
        """As it lies on disk."""
        return json.dumps(asdict(self), sort_keys=True, indent=1) + "\n"


def parse_method(text: str) -> Method | None:
    """What `text` says, or None where it is no method."""
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

    @cached_property
    def key(self) -> str:
        """SHA-256 over all that decides the item's bytes."""
        return make_key(self.stage, self.method, self.inputs)

    def to_text(self) -> str:
        """As it lies on disk, sealed by a hash over everything, so that an edit by hand shows."""
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
        }


def parse_recipe(text: str) -> Recipe | None:
    """What `text` says, or None where it is no recipe or was changed since the engine wrote it."""
    try:
        fields = json.loads(text)
        seal = fields.pop("seal")
        if seal != _sha256(fields):
            return None
        outputs = parse_outputs(fields["outputs"])
        recipe = Recipe(fields["video"], fields["stage"], fields["method"], fields["inputs"], outputs, fields["error"])
        return recipe if _is_well_formed(recipe) and recipe.key == fields["key"] else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def parse_outputs(value: Any) -> Outputs:
    """Outputs as JSON gives them; ValueError where they are none, or name a file outside the artifact."""
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
    """Whether all values are of the kinds that they are declared to be."""
    words: list[Any] = [recipe.video, recipe.stage, recipe.method, *recipe.inputs.values()]
    words += [] if recipe.error is None else [recipe.error]
    files: list[Any] = [file for files in recipe.outputs.values() for file in files.values()]
    return all(isinstance(word, str) for word in words) and all(
        isinstance(md5, str) and type(size) is int for md5, size in files
    )


def parse_trusted_recipe(fields: dict[str, Any]) -> Recipe:
    """The recipe whose text was checked before and has not changed since: its seal and key are not computed again."""
    outputs = {
        folder: {name: (md5, size) for name, (md5, size) in files.items()}
        for folder, files in fields["outputs"].items()
    }
    recipe = Recipe(fields["video"], fields["stage"], fields["method"], fields["inputs"], outputs, fields["error"])
    recipe.__dict__["key"] = fields["key"]
    return recipe


def make_key(stage: str, method: str, inputs: Mapping[str, str]) -> str:
    """SHA-256 of the stage's name, its method's digest and the content hashes of what the item reads."""
    return _sha256([stage, method, dict(inputs)])


def recipe_path(root: Path, stage: str, stem: str) -> Path:
    """Where the recipe of an item lies."""
    return root / RECIPE_FOLDER / stage / f"{stem}{RECIPE_SUFFIX}"


def method_path(root: Path, stage: str, digest: str) -> Path:
    """Where a method lies."""
    return root / RECIPE_FOLDER / stage / f"{digest}{METHOD_SUFFIX}"


def compare_methods(old: Method, new: Method, explain: Explain) -> list[str]:
    """What differs, a phrase each with the old and the new value: parameters first, then code, weights, libraries.

    `explain` names what changed in a module, given its two hashes.
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
