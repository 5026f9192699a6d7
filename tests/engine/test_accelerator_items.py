"""Items that use the accelerator: which they are, and how many run at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.engine import run_items
from flows.engine.declaration import declare_stages
from flows.engine.outcome import Item
from flows.engine.run_items import ItemRunner
from flows.pipeline import STAGES
from tasks.device import count_accelerator_items
from tasks.params import Compute, read_params

GIB = 1 << 30


def list_users(checkout: Path, **changes: dict[str, object]) -> set[str]:
    sections = {"compute": Compute} | {stage.name: stage.params for stage in STAGES}
    params = dict(read_params(checkout / "params.yaml", sections))
    params |= {name: params[name].model_copy(update=values) for name, values in changes.items()}
    return {declaration.name for declaration in declare_stages(STAGES, params, "cpu") if declaration.accelerator}


def test_a_stage_uses_the_accelerator_only_with_parameters_that_put_a_network_on_it(checkout: Path) -> None:
    usual = list_users(checkout)
    assert {"detect", "extract_features", "classify"} <= usual
    assert not {"estimate_flow", "fit_axes", "track", "estimate_pose"} & usual
    assert list_users(checkout, estimate_flow={"backend": "raft"}) == usual | {"estimate_flow"}
    assert list_users(checkout, estimate_pose={"backend": "yolo"}) == usual | {"estimate_pose"}
    assert list_users(checkout, fit_axes={"fitted_on": "dataset"}) == usual | {"fit_axes"}


@pytest.mark.parametrize(("gib", "count"), [(4, 1), (15, 2), (80, 10)])
def test_as_many_run_at_once_as_the_memory_of_the_device_allows(
    gib: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=gib * GIB))
    assert count_accelerator_items.__wrapped__("cuda:0") == count


@pytest.mark.parametrize(("device", "in_hand", "waits"), [
    ("cuda:0", ["detect"], False),
    ("cuda:0", ["detect", "match"], True),
    ("cuda:0", ["detect", "decode", "decode"], False),
    ("cpu", ["detect", "match"], False),
])  # fmt: skip
def test_an_item_waits_while_the_accelerator_is_full(
    device: str, in_hand: list[str], waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_items, "count_accelerator_items", lambda _: 2)
    by_name = {name: SimpleNamespace(accelerator=name != "decode") for name in ("decode", "detect", "match")}
    plan = cast("Any", SimpleNamespace(project=SimpleNamespace(by_name=by_name, device=device)))
    nothing = cast("Any", None)
    runner = ItemRunner(plan, {}, nothing, [], nothing)
    runner.in_hand = {Item(f"video {n}", stage): nothing for n, stage in enumerate(in_hand)}
    assert runner._must_wait(Item("next", "detect")) == waits
    assert not runner._must_wait(Item("next", "decode"))
