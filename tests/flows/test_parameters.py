"""The parameters of all stages: what is allowed must work, so what failed every video is refused when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.pipeline import STAGES
from tasks.errors import BadParams
from tasks.params import Compute, Params, read_params

SECTIONS: dict[str, type[Params]] = {"compute": Compute} | {stage.name: stage.params for stage in STAGES}


def read(folder: Path, params_file: Path, key: str, value: Any) -> None:
    values = yaml.safe_load(params_file.read_text())
    section, name = key.split(".")
    values[section][name] = value
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    read_params(path, SECTIONS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("detect.image_size", 16),
        ("detect.image_size", 1 << 20),  # no machine has the memory
        ("estimate_pose.image_size", 1 << 20),
        ("estimate_pose.crop_height", 1 << 20),
        ("fit_field.segment_side", 1 << 20),
        ("extract_features.image_side", 1 << 20),
        ("extract_features.layers", ["zz"]),
        ("extract_features.layers", ["b13", "b17"]),
        ("match.strides", [1, 1]),
        ("classify.window_length", 1 << 20),
        ("classify.fps", 1e9),
        ("decode.fps", 1e300),
        ("track.smoothing_s", 31.0),
        ("track.smoothing_s", float("inf")),
        ("estimate_pose.cutoff_hz", 1e80),
        ("train.learning_rate", 10.0),
        ("fit_axes.frames_per_video", 1 << 40),
    ],
)
def test_a_value_that_would_fail_every_video_is_refused_with_its_line(
    tmp_path: Path, checkout: Path, key: str, value: Any
) -> None:
    with pytest.raises(BadParams, match=rf"params\.yaml:\d+: .*{key.split('.')[1]}"):
        read(tmp_path, checkout / "params.yaml", key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("detect.image_size", 32),
        ("detect.image_size", 64),
        ("detect.image_size", 4096),
        ("fit_field.segment_side", 32),
        ("estimate_pose.image_size", 32),
        ("track.smoothing_s", 30.0),
        ("decode.fps", 1e12),
        ("fit_axes.frames_per_video", (1 << 31) - 1),
    ],
)
def test_the_bounds_themselves_are_allowed(tmp_path: Path, checkout: Path, key: str, value: Any) -> None:
    read(tmp_path, checkout / "params.yaml", key, value)
