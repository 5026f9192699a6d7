"""`semflow doctor`: packages as pinned, and which OpenCV there is."""

from __future__ import annotations

import builtins
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from flows.cli import doctor
from tasks.errors import SemflowError
from tests.factories.range_server import serve_ranges

OPENCV, CONTRIB = "opencv-python", "opencv-contrib-python-headless"


def pretend(monkeypatch: pytest.MonkeyPatch, required: list[str], installed: dict[str, str]) -> None:
    """Let the project require these and the environment have those."""

    def version(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(metadata, "requires", lambda _: required)
    monkeypatch.setattr(metadata, "version", version)


def test_a_build_tag_and_another_name_of_the_same_code_count_as_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    required = [
        "torch==2.13.0",
        "opencv-python==5.0.0.93",
        'pytest==9.2.0; extra == "dev"',
        "sqlalchemy[asyncio]==2.0.57",
    ]
    pretend(monkeypatch, required, {"torch": "2.13.0+cpu", CONTRIB: "5.0.0.93", "sqlalchemy": "2.0.57"})
    assert doctor._packages() == "3 pinned packages as pinned"


def test_another_version_and_a_missing_package_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(
        monkeypatch, ["numpy==2.4.6", "av==18.1.0", "opencv-python==5.0.0.93"], {"numpy": "2.4.5", OPENCV: "5.0.0.93"}
    )
    with pytest.raises(
        SemflowError, match=r"numpy must be ==2\.4\.6, got 2\.4\.5; av must be ==18\.1\.0, got none; run `make"
    ):
        doctor._packages()


def test_two_opencv_packages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, [], {OPENCV: "5.0.0.93", CONTRIB: "5.0.0.93"})
    with pytest.raises(SemflowError, match=rf"one OpenCV package must be installed, got {OPENCV}, {CONTRIB}, which"):
        doctor._opencv()


def test_the_opencv_at_hand_is_named_with_or_without_csrt(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.track import csrt_tracker

    pretend(monkeypatch, [], {CONTRIB: "5.0.0.93"})
    monkeypatch.setattr(csrt_tracker, "has_csrt", lambda: True)
    assert doctor._opencv() == f"{CONTRIB} 5.0.0.93 with CSRT"
    pretend(monkeypatch, [], {OPENCV: "5.0.0.93"})
    monkeypatch.setattr(csrt_tracker, "has_csrt", lambda: False)
    assert doctor._opencv().startswith(f"{OPENCV} 5.0.0.93 without CSRT; to have it in `semflow track-object`, run")


def test_an_opencv_that_cannot_be_loaded_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def load(name: str, *rest: Any, **named: Any) -> Any:
        if name == "tasks.track.csrt_tracker":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", load)
    with pytest.raises(SemflowError, match=r"OpenCV must load, got libGL\.so\.1: .* or run `make opencv-contrib`"):
        doctor._opencv()


def test_a_link_that_dvc_does_not_look_through_is_named(tmp_path: Path) -> None:
    project, disk = tmp_path / "project", tmp_path / "disk"
    (project / "data").mkdir(parents=True)
    (disk / "data/raw").mkdir(parents=True)
    (project / "data/raw").symlink_to(disk / "data/raw")
    doctor.check_data_link(project)
    (project / "reports").symlink_to(project / "data")
    doctor.check_data_link(project)
    (project / "data/raw").unlink()
    (project / "data").rmdir()
    (project / "data").symlink_to(disk / "data")
    with pytest.raises(SemflowError, match=r"data/ must be a folder, got a link to .*disk/data.*mount the disk there"):
        doctor.check_data_link(project)


def test_a_clone_that_runs_the_code_of_another_is_told(tmp_path: Path) -> None:
    assert doctor._code(tmp_path).startswith("that of ")
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/pipeline.py").write_text("")
    with pytest.raises(SemflowError, match="the environment belongs to another clone; run `make install` here"):
        doctor._code(tmp_path)
    assert doctor._code(Path(doctor.__file__).parents[2]).startswith("that of ")


def test_films_at_addresses_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert doctor._films(tmp_path) == "none at addresses"
    with serve_ranges() as server:
        server.films["/a.mp4"] = b"film"
        (tmp_path / "videos.yaml").write_text(f"a: {server.url}/a.mp4\n")
        assert doctor._films(tmp_path) == "1 at addresses can be read"
        (tmp_path / "videos.yaml").write_text(f"a: {server.url}/a.mp4\nb: {server.url}/b.mp4\n")
        with pytest.raises(SemflowError, match=r"1 of 2 that are not: .*/b\.mp4 is not there \(404"):
            doctor._films(tmp_path)
