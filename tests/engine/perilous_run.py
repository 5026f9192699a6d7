"""A run of the perilous stages as a process of its own, as the command line makes one.

`python -m tests.engine.perilous_run ROOT [OPTION=JSON ...]` prints the summary as JSON; an error that the user can
mend is one line on standard error. Moments of recording (see perilous.py) are added to the run's own process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from flows.engine.book import Book
from flows.engine.project import Project
from flows.engine.recipe import METHOD, RECIPE, Method, Recipe
from flows.engine.run import bring_up_to_date
from tasks.errors import SemflowError
from tests.engine import perilous


def main() -> int:
    _interpose()
    root = Path(sys.argv[1])
    options: dict[str, Any] = {
        name: json.loads(value) for name, _, value in (word.partition("=") for word in sys.argv[2:])
    }
    try:
        summary = bring_up_to_date(Project.open(root, options.pop("pipeline", perilous.PIPELINE)), **options)
    except SemflowError as error:
        print(f"semflow: {error}", file=sys.stderr)
        return 2
    print(json.dumps(summary.as_json()))
    return 0 if summary.good else 1


def _interpose() -> None:
    write, replace = Book.write, Path.replace

    def writing(book: Book, stem: str, recipe: Recipe, method: Method) -> None:
        perilous.moment(f"{recipe.stage} {stem} recording 0")
        write(book, stem, recipe, method)
        perilous.moment(f"{recipe.stage} {stem} recording 3")

    def replacing(source: Path, target: Path) -> Path:
        if source.name.endswith(".tmp") and target.name.endswith(RECIPE):
            stem = target.name.removesuffix(RECIPE)
            perilous.moment(f"{target.parent.name} {stem} recording 1")
            result = replace(source, target)
            perilous.moment(f"{target.parent.name} {stem} recording 2")
            return result
        if source.name.endswith(".tmp") and target.name.endswith(METHOD):
            perilous.moment(f"{target.parent.name} method recording 0")
        return replace(source, target)

    Book.write = writing  # type: ignore[method-assign]
    Path.replace = replacing  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    sys.exit(main())
