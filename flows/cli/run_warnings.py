"""What a person should know of the labels that a run has made: films of small people, or by a moving camera."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.engine.outcome import Summary
from flows.engine.project import Project
from tasks.errors import SemflowError

FOLDER = "data/actions"
MAX_FILMS = 3
"""Most films that are named in a line."""


def find_warnings(project: Project, summary: Summary) -> list[str]:
    """A line for each kind of caution, with the films whose labels the run computed."""
    made = [outcome for outcome in summary.outcomes if outcome.result == "computed" and not summary.interrupted]
    maker = project.producers.get(FOLDER)
    films = [outcome.video for outcome in made if maker is not None and outcome.stage == maker.name]
    if maker is None or not films:
        return []
    kind = next(kind for kind in maker.outputs if kind.folder == FOLDER)
    return list_warnings({film: project.artifact_path(kind, film) for film in films})


def list_warnings(paths: Mapping[str, Path]) -> list[str]:
    """The lines for these actions artifacts, by film; films that cannot be read are left out."""
    from tasks.artifacts.actions import Actions
    from tasks.classify.motion_conditions import MOVING_CAMERA, SMALL_PEOPLE

    films: dict[str, list[str]] = defaultdict(list)
    for film, path in paths.items():
        try:
            notes = Actions.load(path).notes
        except (OSError, SemflowError):
            continue
        for caution in (SMALL_PEOPLE, MOVING_CAMERA):
            if any(note.startswith(caution) for note in notes):
                films[caution].append(film)
    return [
        f"{caution} in {_name_films(mine)}: labels of motion are uncertain there, see the page"
        for caution, mine in films.items()
    ]


def _name_films(films: Sequence[str]) -> str:
    more = len(films) - MAX_FILMS
    return ", ".join(films[:MAX_FILMS]) + (f" and {more} more" if more > 0 else "")
