"""Metrics of a stage, `metrics/<stage>.json`: sums and ratios over all videos, and how the videos spread.

DVC shows the numbers with `dvc metrics show` and `diff`, the quantiles with `dvc plots show` and `diff`. The file is
made of the recipes alone: nothing is read for items that are reused, and a machine whose artifacts are in the remote
writes the same bytes. It lies in git and names no video, so that what `semflow forget` erases is in no commit. Seconds
are not in it: two runs that give the same artifacts give the same metrics.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flows.engine.declaration import Declaration
from flows.engine.measures import PLOTTED, SUM, SUM_DIGITS, Measures, compute_ratios
from flows.engine.project import Project
from flows.engine.recipe import Recipe
from tasks.atomic_file import write_text_atomically

METRICS_FOLDER = "metrics"
QUANTILES = 20
"""Steps between the smallest and the largest value of the videos."""
QUANTILE_SHARE, QUANTILE_LIST = "share_of_videos", "quantiles"


def name_metrics_file(declaration: Declaration) -> str:
    """The path of the stage's metrics, relative to the project."""
    return f"{METRICS_FOLDER}/{declaration.name}.json"


def write_metrics(project: Project, declaration: Declaration) -> Path:
    """Write the metrics of a stage from its recipes, if they have changed; gives the path."""
    path = project.root / name_metrics_file(declaration)
    stems = [project.artifact_stem(video) for video in project.list_owners(declaration)]
    recipes = project.recipe_store.recipes
    own = [recipe for stem in stems if (recipe := recipes.get((declaration.name, stem))) is not None]
    text = render_metrics(declaration.name, own, has_quantiles=not declaration.over_dataset)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text_atomically(path, text)
    return path


def render_metrics(stage: str, recipes: Iterable[Recipe], *, has_quantiles: bool) -> str:
    """The text of the file, for the recipes of all items of a stage in any order."""
    recipes = list(recipes)
    measured = [_measure_recipe(recipe) for recipe in recipes if recipe.error is None]
    sums: Counter[str] = Counter()
    for one in measured:
        sums.update(one)
    rounded = {name: round(value, SUM_DIGITS) for name, value in sorted(sums.items())}
    counts = {"items": len(recipes), "failed": sum(recipe.error is not None for recipe in recipes)}
    unknown = sum(recipe.error is None and recipe.measures is None for recipe in recipes)
    counts |= {"not_measured": unknown} if unknown else {}
    shown = {name: value for name, value in rounded.items() if not name.endswith(SUM)}
    found: dict[str, Any] = {stage: counts | shown | compute_ratios(rounded)}
    if has_quantiles and measured:
        found[QUANTILE_LIST] = list(_list_quantiles([one | compute_ratios(one) for one in measured]))
    return json.dumps(found, indent=1) + "\n"


def render_plots(declarations: Iterable[Declaration]) -> list[dict[str, Any]]:
    """The section `plots` of dvc.yaml: how the videos spread, for the measures in PLOTTED."""
    found: list[dict[str, Any]] = []
    for declaration in declarations:
        path = name_metrics_file(declaration)
        for name in (name for kind in declaration.outputs for name in PLOTTED.get(kind.folder, ())):
            words = name.replace("_", " ")
            axes = {"x": {path: QUANTILE_SHARE}, "y": {path: name}}
            labels = {"x_label": "share of the videos with at most this", "y_label": words}
            found.append({f"{declaration.name}: {words}": axes | labels})
    return found


def _measure_recipe(recipe: Recipe) -> dict[str, int | float]:
    """The measures of an item, with the size of its artifacts."""
    size = sum(size for files in recipe.outputs.values() for _, size in files.values())
    return {"bytes": size, **(recipe.measures or {})}


def _list_quantiles(values: Sequence[Measures]) -> Iterable[dict[str, int | float]]:
    """For each share of the videos, the smallest value of each measure that this share does not exceed."""
    names = sorted({name for one in values for name in one if not name.endswith(SUM)})
    columns = {name: sorted(one[name] for one in values if name in one) for name in names}
    for step in range(QUANTILES + 1):
        row: dict[str, int | float] = {QUANTILE_SHARE: step / QUANTILES}
        for name, column in columns.items():
            row[name] = column[-(-step * (len(column) - 1) // QUANTILES)]
        yield row
