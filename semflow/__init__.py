"""Semantic flow for video data sets: read one with `semflow.open`; the command `semflow` makes it.

    import semflow

    ds = semflow.open(".")                        # a working copy; or a path or address, and rev="v1.2"
    people = ds.tracks.to_pandas(videos="walk", time=(0, 5))
    vector = ds["walk"].features.at(x=320, y=180, t=1.5)

Importing this package loads nothing else; the code is in the packages `flows` and `tasks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.reading.video_dataset import VideoDataset
    from flows.reading.video_dataset import open_dataset as open
    from tasks.errors import SemflowError

__all__ = ["SemflowError", "VideoDataset", "__version__", "open"]
__version__ = "0.2.0"

_PLACES = {
    "open": ("flows.reading.video_dataset", "open_dataset"),
    "VideoDataset": ("flows.reading.video_dataset", "VideoDataset"),
    "SemflowError": ("tasks.errors", "SemflowError"),
}
"""Name to the module and the name there; imported when it is first used."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'semflow' has no attribute {name!r}")
    import importlib

    module, attribute = _PLACES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
