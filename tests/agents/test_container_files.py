"""The image of an agent: built with the pinned tools, from the package alone."""

from __future__ import annotations

import re
import tomllib

from packaging.specifiers import SpecifierSet

from tests.conftest import CHECKOUT

DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()


def test_the_image_has_a_python_of_the_package_and_the_uv_of_the_makefile() -> None:
    base = re.search(r"^FROM python:([0-9.]+)-slim$", DOCKERFILE, re.MULTILINE)
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert base is not None and base.group(1) in SpecifierSet(project["requires-python"])
    pinned = re.search(r"^UV_VERSION := (\S+)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert pinned is not None and f'"uv=={pinned.group(1)}"' in DOCKERFILE
    assert "--constraint constraints.txt" in DOCKERFILE


def test_the_image_gets_what_the_package_is_built_from_and_nothing_else() -> None:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert rules[0] == "*", "what is not named stays out: data, settings with credentials, git's history"
    config = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    packages = {name.removesuffix("*") for name in config["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert let_in == packages | {"pyproject.toml", "constraints.txt", config["project"]["readme"], "LICENSE"}
    assert all((CHECKOUT / name).exists() for name in let_in)
    assert [rule for rule in rules[1:] if not rule.startswith("!")] == ["**/__pycache__"]


def test_no_line_of_the_dockerfile_holds_a_secret() -> None:
    assert not re.search(r"(?i)(password|secret|token|auth_string|access_key)", DOCKERFILE)
