"""Parameters are typed, and what is wrong is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from tasks.errors import BadParams
from tasks.params import Params, read_params


class Sharpen(Params):
    radius: int = Field(gt=0)
    """Pixels."""
    edges: tuple[float, float]
    """Low and high threshold."""
    names: tuple[str, ...] | None
    """Which ones, or null for all."""


SECTIONS: dict[str, type[Params]] = {"sharpen": Sharpen}
GOOD = "sharpen:\n  radius: 3\n  edges: [0.1, 1]\n  names: null\n"


def read(tmp_path: Path, text: str) -> Sharpen:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    section = read_params(path, SECTIONS)["sharpen"]
    assert isinstance(section, Sharpen)
    return section


def test_values_come_as_their_types(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == Sharpen(radius=3, edges=(0.1, 1.0), names=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + "  size: 3\n", r"params.yaml:5: sharpen.size must be one of radius, edges, names, got an unknown key"),
        (GOOD + "blur:\n  radius: 1\n", r"params.yaml:5: section must be one of sharpen, got 'blur'"),
        (GOOD.replace("radius: 3", "radius: '3'"), r"params.yaml:2: sharpen.radius: Input should be a valid integer"),
        (GOOD.replace("radius: 3", "radius: 0"), r"params.yaml:2: sharpen.radius: .*greater than 0, got 0"),
        (GOOD.replace("1]", "x]"), r"params.yaml:3: sharpen.edges.1: .*valid number.*got 'x'"),
        (GOOD.replace("  radius: 3\n", ""), r"params.yaml:1: sharpen.radius must be given, got none"),
        ("", r"must hold sections, got NoneType"),
        ("other: {}\n", r"params.yaml:1: section must be one of sharpen"),
        ("sharpen: [\n", r"must be YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(BadParams, match=expected):
        read(tmp_path, text)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadParams, match="must exist, got no such file"):
        read_params(tmp_path / "params.yaml", SECTIONS)
