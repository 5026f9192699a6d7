"""Parameters of the stage `find_shots`: the section `find_shots` of params.yaml."""

from __future__ import annotations

from pydantic import Field

from tasks.params import Params


class FindShotsParams(Params):
    """Which transitions are looked for beside cuts."""

    fades: bool
    """Whether a fade is one transition; without it, its dark or bright frames may count as cuts."""
    max_dissolve_s: float = Field(ge=0, le=10)
    """Length of the longest dissolve that is looked for, seconds; 0 looks for none."""
