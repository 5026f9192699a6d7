"""`--set KEY=VALUE`: values of one evaluation instead of those of params.yaml."""

from __future__ import annotations

import pytest

from flows.evaluate.param_overrides import apply_overrides
from tasks.errors import BadParams
from tasks.extract_features.params import ExtractFeaturesParams

PARAMS = ExtractFeaturesParams(
    network="mobilenet-v2", layers=("b6",), image_side=640, dimensions=64, frame_interval=1, frame_offsets=(0,)
)


def test_values_are_read_as_yaml_and_the_rest_stays() -> None:
    changed = apply_overrides(PARAMS, ["layers=[b6, b17]", "dimensions=null"])
    assert changed == PARAMS.model_copy(update={"layers": ("b6", "b17"), "dimensions": None})
    assert apply_overrides(PARAMS, []) == PARAMS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("dimensions", "--set must be KEY=VALUE with a key of network, .* got 'dimensions'"),
        ("dimension=3", "--set must be KEY=VALUE with a key of network, .* got 'dimension=3'"),
        ("dimensions=many", "--set dimensions=many: dimensions: .* got 'many'"),
    ],
)
def test_an_unknown_key_and_a_wrong_value_are_refused(change: str, message: str) -> None:
    with pytest.raises(BadParams, match=message):
        apply_overrides(PARAMS, [change])
