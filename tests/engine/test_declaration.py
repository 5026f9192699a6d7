"""Which stages make a pipeline: what one reads, another before it makes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.engine.project import Project
from tasks.errors import SemflowError
from tasks.stage import Stage
from tests.engine import toys

PARAMS = toys.PARAMS.replace("repeat:\n  times: 2\n", "")
PLACES = [
    (
        (toys.read, toys.count, toys.join),
        "STAGES must make what join reads, Echoes (data/echoes), before it, got no stage that makes it; "
        "add the stage that makes it to STAGES, before join",
    ),
    (
        (toys.read, toys.join, toys.repeat, toys.count),
        "STAGES must make what join reads, Counts (data/counts), before it, got count, which makes it, after join; "
        "move count before join",
    ),
]


@pytest.mark.parametrize(("stages", "error"), PLACES, ids=["missing", "too late"])
def test_what_a_stage_reads_must_be_made_by_one_before_it(
    project_root: Path, stages: Sequence[Stage[..., Any]], error: str
) -> None:
    (project_root / "params.yaml").write_text(toys.PARAMS if toys.repeat in stages else PARAMS)
    with pytest.raises(SemflowError, match=f"^{re.escape(error)}$"):
        Project.open(project_root, stages)
