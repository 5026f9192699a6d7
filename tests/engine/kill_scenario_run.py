"""The command `semflow` as a process of its own, with moments in its own process at which it can be made to stop.

`python -m tests.engine.kill_scenario_run run --json`, in the project's folder and with $SEMFLOW_PIPELINE, does what
`semflow run --json` does, but for what Prefect shows of it. For the moments see kill_scenarios.py: these are those of
recording.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.cli import main
from flows.engine.atomic_files import PARTIAL_FOLDER
from flows.engine.recipe import METHOD_SUFFIX, RECIPE_SUFFIX, Method, Recipe
from flows.engine.recipe_store import RecipeStore
from flows.prefect_door import engine_adapter
from tests.engine import kill_scenarios


def interpose() -> None:
    """Moments before and after a recipe is written, and before and after it is moved into place."""
    write, replace = RecipeStore.write_recipe, Path.replace

    def writing(store: RecipeStore, stem: str, recipe: Recipe, method: Method) -> None:
        kill_scenarios.moment(f"{recipe.stage} {stem} recording 0")
        write(store, stem, recipe, method)
        kill_scenarios.moment(f"{recipe.stage} {stem} recording 3")

    def replacing(source: Path, target: Path) -> Path:
        if source.parent.name != PARTIAL_FOLDER or not target.name.endswith((RECIPE_SUFFIX, METHOD_SUFFIX)):
            return replace(source, target)
        stem = "method" if target.name.endswith(METHOD_SUFFIX) else target.name.removesuffix(RECIPE_SUFFIX)
        kill_scenarios.moment(f"{target.parent.name} {stem} recording 1")
        result = replace(source, target)
        kill_scenarios.moment(f"{target.parent.name} {stem} recording 2")
        return result

    engine_adapter.mirror_run = _unmirrored
    RecipeStore.write_recipe = writing  # type: ignore[method-assign]
    Path.replace = replacing  # type: ignore[method-assign, assignment]


class _Deaf:
    """An observer that does not listen."""

    def __getattr__(self, name: str) -> Any:
        return lambda *told: None


@contextmanager
def _unmirrored(*about: object) -> Generator[Any]:
    """Nobody starts a Prefect server."""
    yield _Deaf()


if __name__ == "__main__":
    interpose()
    sys.exit(main.main(sys.argv[1:]))
