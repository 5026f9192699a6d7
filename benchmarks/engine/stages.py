"""The pipeline with every stage's function replaced by one that hands back a stored sample.

`benchmarks.engine.stages:STAGES` names it to the engine. Declarations, parameters and code fingerprints stay those of
the real stages. Samples lie in the folder that the environment variable SEMFLOW_SAMPLES names (see samples.py).
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flows.pipeline import STAGES as REAL
from tasks.artifacts.artifact import Artifact, StreamingArtifact
from tasks.artifacts.report import Report
from tasks.stage import Stage

SAMPLES = "SEMFLOW_SAMPLES"
PARQUET_END, FACTS_END = b"PAR1", b"semflow facts\n"
LENGTH_BYTES = {PARQUET_END: 4, FACTS_END: 8}
"""How many bytes before the last ones say how long the footer is."""
COUNTER = itertools.count()


def with_samples(stages: Sequence[Stage[..., Any]]) -> tuple[Stage[..., Any], ...]:
    """`stages`, each giving samples for what it would make."""
    return tuple(dataclasses.replace(stage, function=_hand_back(stage)) for stage in stages)


def copy_with_stamp(source: Path, target: Path, stamp: bytes) -> None:
    """Copy a file of ours so that it holds other bytes and the same content: `stamp` goes before its footer.

    Readers of Parquet and of our NPY find the footer from the file's end, so what stands before it is skipped.
    """
    data = source.read_bytes()
    for end, length_bytes in LENGTH_BYTES.items():
        if data.endswith(end):
            stop = len(data) - len(end)
            footer = int.from_bytes(data[stop - length_bytes : stop], "little")
            cut = stop - length_bytes - footer
            target.write_bytes(data[:cut] + stamp + data[cut:])
            return
    target.write_bytes(data)


def _hand_back(stage: Stage[..., Any]) -> Callable[..., Any]:
    def function(**arguments: Any) -> Any:
        del arguments
        made = tuple(StreamingArtifact(kind, _writer(kind)) for kind in stage.outputs)
        return made[0] if len(made) == 1 else made

    function.__module__ = stage.module  # the code that the recipe names
    return function


def _writer(kind: type[Artifact]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        source = Path(os.environ[SAMPLES]) / f"{kind.__name__}{kind.SUFFIX}"
        # No two artifacts are alike, as no two videos are: else the object store would hold one file for all.
        stamp = f"{os.getpid()}-{next(COUNTER)}"
        if kind is Report:
            shutil.copytree(source, path)
            with (path / Report.PAGE).open("a", encoding="utf-8") as page:
                page.write(f"<p>{stamp}\n")
        else:
            copy_with_stamp(source, path, stamp.encode())

    return write


STAGES = with_samples(REAL)
