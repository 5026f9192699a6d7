"""Odd files, made once per session, and the stage as the tests call it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tests.decode.odd_files import make

Odd = Callable[[str], Path]
Decode = Callable[..., Frames]


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Odd:
    """The path of an odd file by its name, made when first asked for."""
    folder, made = tmp_path_factory.mktemp("odd"), dict[str, Path]()

    def path(name: str) -> Path:
        if name not in made:
            made[name] = make(name, folder)
        return made[name]

    return path


@pytest.fixture
def decoded(tmp_path: Path) -> Decode:
    """Decode a file as the stage does; parameters as keywords, lossless and at full size unless told."""

    def run(file: Path, name: str = "frames", **params: Any) -> Frames:
        values = {"max_side": None, "fps": None, "encoding": "png", "quality": 95}
        filters = {"deinterlace": "auto", "tone_map": "auto", "anonymise": "none"}
        return decode(RawVideo(file), DecodeParams(**(values | filters | params))).to(tmp_path / f"{name}.parquet")

    return run
