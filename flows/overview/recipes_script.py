"""How the artifacts of all films were made, as a script beside the index page that the films' pages load on request.

A page opened from a folder may not read JSON files, so that it is a script that sets a variable. It has each file's MD5
and size once, and each stage's method once: a film's page puts its recipes together from both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flows.overview.dataset_facts import ArtifactFacts, DatasetFacts, StageFacts
from flows.overview.weight_licences import find_licence

VARIABLE = "semflowRecipes"


def render_recipes_script(facts: DatasetFacts) -> str:
    """The text of recipes.js; the same facts give the same bytes, on every machine."""
    document = {
        "artifacts": [_list_files(one) for one in facts.artifacts],
        "stages": {stage.name: _describe_method(stage) for stage in facts.stages},
        "raw": facts.raw,
    }
    text = json.dumps(
        document, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )  # names as erasure seeks them
    return f"window.{VARIABLE} = {text};\n"


def _list_files(one: ArtifactFacts) -> Mapping[str, Any]:
    """Stem of each file to its MD5 and size in bytes."""
    start, stop = len(one.folder) + 1, -len(one.suffix) or None
    files = {path[start:stop]: file for path, file in sorted(one.files.items())}
    return {"folder": one.folder, "suffix": one.suffix, "stage": one.stage, "kept": one.is_kept, "files": files}


def _describe_method(stage: StageFacts) -> Mapping[str, Any]:
    weights = {
        name: {"sha256": sha256, "licence": find_licence(name, sha256)[0]} for name, sha256 in stage.weights.items()
    }
    return {
        "params": stage.params,
        "code": stage.code,
        "weights": weights,
        "libraries": stage.libraries,
        "reads": stage.reads,
    }
