"""Explain why a recipe does not match the present parameters, code, weights, libraries or inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from flows.engine.code_cache import explain_code
from flows.engine.declaration import ArtifactKind, Declaration
from flows.engine.project import Project
from flows.engine.raw_input import parse_raw_input
from flows.engine.recipe import Recipe, compare_methods


def explain_stale(
    project: Project,
    declaration: Declaration,
    recipe: Recipe,
    inputs: Mapping[str, str],
    equal_methods: Collection[str],
) -> str:
    """All differences between `recipe` and the present state, joined by semicolons.

    `inputs`: argument name to content hash at present. `equal_methods`: digests of methods that count as the present
    one.
    """
    found: list[str] = []
    old = project.recipe_store.methods.get((declaration.name, recipe.method))
    if old is None:
        found.append("its method was edited or is missing")
    elif recipe.method not in equal_methods:
        found += compare_methods(old, declaration.method, lambda module, a, b: _explain_code(project, module, a, b))
    for argument, kind in declaration.inputs.items():
        before, now = recipe.inputs.get(argument), inputs.get(argument)
        if before != now:
            shown = replace(kind, user_path=kind.user_path.format(video=recipe.video.removeprefix("/")))
            found.append(_explain_input(argument, shown, project.producers.get(kind.folder), before, now))
    found += [f"input {argument} is gone" for argument in recipe.inputs.keys() - inputs.keys()]
    return "; ".join(found) or "recipe was edited"


def _explain_code(project: Project, module: str, old: str, new: str) -> str:
    return explain_code(project.state, module, old, new) if "/" not in module else f"{module} changed"


def _explain_input(
    argument: str, kind: ArtifactKind, producer: Declaration | None, before: str | None, now: str | None
) -> str:
    if kind.is_raw:
        old_file, new_file = parse_raw_input(before or ""), parse_raw_input(now or "")
        if old_file.md5 != new_file.md5:
            return f"the raw file changed (MD5 {old_file.md5[:8]} -> {new_file.md5[:8]})"
        if old_file.relative != new_file.relative:
            return f"the raw file's name: {old_file.relative} -> {new_file.relative}"
        return "the video's name changed, as another file has the same name but for the ending"
    old, new = (before or "none")[:8], (now or "none")[:8]
    origin = f"made by {producer.name}" if producer is not None else f"{kind.user_path}, written by you"
    return f"input {argument} ({origin}) changed: {old} -> {new}"
