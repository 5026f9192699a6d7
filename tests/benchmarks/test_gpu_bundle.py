"""The folder for a machine with a GPU: what is packed is what is unpacked, and what does not fit is named."""

from __future__ import annotations

import hashlib
import lzma
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu_check.bundle import (
    PACKAGES,
    STAND_INS,
    BundleItem,
    LeftOut,
    Manifest,
    describe_items,
    install_bundle,
)
from benchmarks.gpu_check.pack import Packer
from benchmarks.gpu_check.packages import (
    list_requirements,
    normalize_name,
    prune_packages,
    read_present,
    select_missing,
    write_archive,
)
from benchmarks.gpu_check.stand_in_weights import describe_shapes, make_random_tree, use_stand_ins
from tasks.weights import catalog
from tasks.weights.fetch import weights_path


def make_packages(folder: Path) -> Path:
    (folder / "one/tests").mkdir(parents=True)
    (folder / "one/__init__.py").write_text("ANSWER = 42\n")
    (folder / "one/fast.pyi").write_text("ANSWER: int\n")
    (folder / "one/tests/test_one.py").write_text("assert False\n")
    return folder


def make_bundle(folder: Path, python: str = f"{sys.version_info.major}.{sys.version_info.minor}") -> Manifest:
    folder.mkdir()
    packer = Packer(folder, 10_000)
    packages = make_packages(folder.parent / "site")
    prune_packages(packages)
    write_archive(packages, folder / PACKAGES)
    packer.add_item(packer.describe_file("packages", "packages", PACKAGES))
    (folder / "weights").mkdir()
    (folder / "weights/net.pt.xz").write_bytes(lzma.compress(b"weights" * 100))
    packer.add_item(packer.describe_file("net", "weights", "weights/net.pt.xz", "files/ab/net.pt"))
    manifest = Manifest(packer.items, packer.left_out, python=python)
    manifest.write(folder)
    return manifest


def test_what_is_unpacked_is_what_was_packed_without_what_nothing_imports(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    installed = install_bundle(tmp_path / "bundle", tmp_path / "work")
    assert installed.packages is not None and installed.cache is not None
    files = sorted(path.name for path in installed.packages.rglob("*") if path.is_file())
    assert files == ["__init__.py"]
    assert (installed.cache / "files/ab/net.pt").read_bytes() == b"weights" * 100
    environment = installed.make_environment(tmp_path)
    assert environment["SEMFLOW_CACHE"] == str(installed.cache)
    assert environment["PYTHONPATH"].split(":") == [str(installed.packages), str(tmp_path)]


def test_a_damaged_item_is_refused(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle")
    (tmp_path / "bundle/weights/net.pt.xz").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"net\.pt\.xz must have sha256 .*; copy the folder again"):
        install_bundle(tmp_path / "bundle", tmp_path / "work")


def test_packages_for_another_python_stay_packed(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", python="2.7")
    installed = install_bundle(tmp_path / "bundle", tmp_path / "work")
    assert installed.packages is None
    assert installed.cache is not None and (installed.cache / "files/ab/net.pt").is_file()


def test_without_a_folder_the_installed_packages_are_used(tmp_path: Path) -> None:
    installed = install_bundle(tmp_path / "bundle", tmp_path / "work")
    assert installed.make_environment(tmp_path)["PYTHONPATH"] == str(tmp_path)
    assert not (tmp_path / "work").exists()


def test_an_item_over_the_limit_is_left_out_and_named(tmp_path: Path) -> None:
    packer = Packer(tmp_path, 100)
    for name, size in (("large", 101), ("small", 60), ("next", 60)):
        (tmp_path / name).write_bytes(b"x" * size)
        packer.add_item(packer.describe_file(name, "weights", name))
    assert [item.name for item in packer.items] == ["small"]
    assert [(entry.name, entry.bytes) for entry in packer.left_out] == [("large", 101), ("next", 60)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]
    text = describe_items(Manifest(packer.items, packer.left_out))
    assert "small" in text and "together" in text and "left out: large" in text


def test_equal_packages_make_equal_archives(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_archive(make_packages(tmp_path / name), tmp_path / f"{name}.tar.xz")
    assert (tmp_path / "a.tar.xz").read_bytes() == (tmp_path / "b.tar.xz").read_bytes()


def test_a_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    manifest = Manifest(
        [BundleItem("net", "weights", "weights/net.xz", 7, "ab", "files/net")], [LeftOut("big", "too big", 9)],
        {"big": {"kernel": [1, 2]}}, "3.12",
    )  # fmt: skip
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest


@pytest.mark.parametrize(
    ("line", "name"),
    [("sqlalchemy[asyncio]==2.0.57", "sqlalchemy"), ("ruamel.yaml==0.19.1", "ruamel-yaml"), ("PyYAML>=6", "pyyaml")],
)
def test_names_of_packages_are_compared_as_registries_do(line: str, name: str) -> None:
    assert normalize_name(line) == name


def test_packages_that_the_machine_has_or_the_check_does_not_need_are_left_out() -> None:
    pinned = ["av==18.1.0", "nvidia-cublas==13.1", "polars==2.1.0", "ruamel.yaml==0.19.1", "torch==2.13.0"]
    assert select_missing(pinned, ["torch", "nvidia-*"]) == ["av==18.1.0", "ruamel.yaml==0.19.1"]


def test_the_requirements_are_those_of_the_project_without_what_the_check_does_not_need(checkout: Path) -> None:
    names = {normalize_name(line) for line in list_requirements(checkout / "pyproject.toml")}
    assert {"av", "pyarrow", "ultralytics", "pydantic"} <= names
    assert not {"prefect", "dvc"} & names
    assert {"torch", "nvidia-*"} <= set(read_present())


SHAPES: dict[str, Any] = {
    "params": {"unit": {"kernel": [1, 1, 1, 50, 400], "bias": [400]}},
    "batch_stats": {"unit": {"mean": [1, 400], "var": [1, 400]}},
}


def test_random_weights_have_the_shapes_and_keep_the_scale_of_their_input() -> None:
    tree = make_random_tree(SHAPES, np.random.default_rng(0))
    assert describe_shapes(tree) == SHAPES
    assert tree["params"]["unit"]["kernel"].std() == pytest.approx(np.sqrt(2 / 50), rel=0.05)
    assert (tree["batch_stats"]["unit"]["var"] == 1).all()
    assert not tree["params"]["unit"]["bias"].any()


def test_a_stand_in_is_verified_like_any_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMFLOW_CACHE", str(tmp_path))
    monkeypatch.setattr(catalog, "WEIGHTS", catalog.WEIGHTS)
    published = catalog.weights_sha256("i3d-kinetics-400")
    assert use_stand_ins() == ()
    (tmp_path / STAND_INS).write_text('{"i3d-kinetics-400": {"params": {"kernel": [2, 3]}}}')
    assert use_stand_ins() == use_stand_ins() == ("i3d-kinetics-400",)
    path = weights_path("i3d-kinetics-400")
    assert catalog.weights_sha256("i3d-kinetics-400") != published
    assert catalog.weights_sha256("i3d-kinetics-400") == hashlib.sha256(path.read_bytes()).hexdigest()
    assert pickle.loads(path.read_bytes())["params"]["kernel"].shape == (2, 3)
