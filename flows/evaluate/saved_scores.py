"""Figures of suites that were run, kept by git beside the metrics of stages: `metrics/suites/<suite>.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.evaluate.score_table import SuiteScores
from flows.versions.suite_figures import SUITES_FOLDER
from tasks.atomic_file import write_text_atomically

TIMES = ("fps", "association fps", "seconds")
"""Metrics that two runs give differently, so that they are not saved; also those that end in one of these words."""
NOT_SETTINGS = ("data", "film", "as_json", "save")
"""Options that say where data lie or what is printed."""
DIGITS = 6


def save_scores(root: Path, scores: SuiteScores, options: Mapping[str, Any]) -> Path:
    """Write the combined figures of a suite and the options they were made with; gives the path.

    No times are in it, so that two runs on one machine write the same bytes.
    """
    figures = {name: round(value, DIGITS) for name, value in scores.combined.items() if not name.endswith(TIMES)}
    chosen = {
        name: value
        for name, value in options.items()
        if name not in NOT_SETTINGS and isinstance(value, str | int | float) and value is not False
    }
    path = root / SUITES_FOLDER / f"{scores.suite}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({scores.suite: figures | ({"options": chosen} if chosen else {})}, indent=1)
    write_text_atomically(path, text + "\n")
    return path
