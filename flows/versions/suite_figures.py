"""Figures of evaluation suites in a version: `metrics/suites/<suite>.json`, as `semflow eval --save` wrote them."""

from __future__ import annotations

import json
from typing import Any

from flows.engine.metrics_file import METRICS_FOLDER
from flows.versions.recorded_version import RecordedVersion

SUITES_FOLDER = f"{METRICS_FOLDER}/suites"


def read_suite_figures(version: RecordedVersion) -> dict[str, Any]:
    """`<suite>.<figure>` to its value, the suite's options among them; files that are no such JSON are left out."""
    found: dict[str, Any] = {}
    for name in version.list_names(SUITES_FOLDER):
        try:
            suites: Any = json.loads(version.read_text(f"{SUITES_FOLDER}/{name}") or "{}")
            for suite, figures in suites.items():
                options = figures.pop("options", {})
                found |= {f"{suite}.{figure}": value for figure, value in {**figures, **options}.items()}
        except (ValueError, AttributeError):
            continue  # edited, or with conflicts
    return found
