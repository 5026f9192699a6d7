"""A flow over a toy project with an item that takes for ever: `python -m tests.flows.prefect_door.drive_flow ROOT`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows import dataset
from flows.engine.project import Project
from tests.engine import toys


def hang(self: toys.Counts, path: Path) -> None:
    print("hanging", flush=True)
    time.sleep(3600)


@flow(name="hanging")
def hanging(root: str) -> State[Any]:
    return dataset.process_videos(Project.open(Path(root), toys.TOYS), None)


if __name__ == "__main__":
    toys.Counts.save = hang  # type: ignore[method-assign]
    hanging(sys.argv[1])
