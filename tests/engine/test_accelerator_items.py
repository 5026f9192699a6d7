"""Items that use the accelerator: which they are, and how many run at once."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.engine import device_memory
from flows.engine.declaration import declare_stages
from flows.engine.device_memory import (
    MARGIN,
    PROCESS_BYTES,
    estimate_device_memory,
    has_device_room,
    measure_device_memory,
    save_device_memory,
)
from flows.engine.outcome import Item
from flows.engine.run_items import ItemRunner
from flows.engine.state import State
from flows.pipeline import STAGES
from tasks.device import ACCELERATOR_ITEM_BYTES, read_device_memory
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


def make_project(tmp_path: Path, device: str = "cuda:0", batch: int = 1) -> Any:
    """What the estimates read of a project with two stages on the accelerator and one beside it."""
    by_name = {
        name: SimpleNamespace(name=name, accelerator=name != "decode", method=SimpleNamespace(params={"size": 640}))
        for name in ("decode", "detect", "match")
    }
    return SimpleNamespace(
        by_name=by_name,
        declarations=list(by_name.values()),
        device=device,
        compute={"batch": batch},
        state=State.open(tmp_path),
    )


def count_detect_items(project: Any) -> int:
    """How many items of detect start at once."""
    count = 0
    while has_device_room(project, "detect", ["detect"] * count) and count < 99:
        count += 1
    return count


@pytest.mark.parametrize(("gib", "count"), [(4, 1), (15, 2), (80, 10)])
def test_items_that_were_not_measured_count_as_eight_gigabytes(
    gib: int, count: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=gib * GIB))
    monkeypatch.setattr(device_memory, "read_device_memory", read_device_memory.__wrapped__)
    assert count_detect_items(make_project(tmp_path)) == count


def test_small_items_share_a_device_once_they_were_measured_and_large_ones_do_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(device_memory, "read_device_memory", lambda _: 15e9)
    project = make_project(tmp_path)
    save_device_memory(project, "detect", int(2e9))
    save_device_memory(project, "detect", int(1e9))
    assert estimate_device_memory(project, "detect") == 2e9 * MARGIN + PROCESS_BYTES, "the largest that was seen"
    assert count_detect_items(project) == 4
    assert has_device_room(project, "match", ["detect"]), "one that was not measured fits beside a small one"
    assert not has_device_room(project, "match", ["detect", "detect", "detect"])
    save_device_memory(project, "match", int(12e9))
    assert not has_device_room(project, "match", ["detect"])
    assert has_device_room(project, "match", ["decode", "decode"]), "alone on the device it starts whatever it needs"


def test_what_was_measured_with_other_parameters_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(device_memory, "read_device_memory", lambda _: 16e9)
    project = make_project(tmp_path)
    save_device_memory(project, "detect", int(1e9))
    project.compute["batch"] = 16
    assert estimate_device_memory(project, "detect") == ACCELERATOR_ITEM_BYTES
    save_device_memory(project, "detect", int(9e8))
    assert estimate_device_memory(project, "detect") == 9e8 * MARGIN + PROCESS_BYTES
    project.by_name["detect"].method.params["size"] = 1280
    assert estimate_device_memory(project, "detect") == ACCELERATOR_ITEM_BYTES


def test_the_peak_of_an_item_is_measured_on_every_device_and_its_cache_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 2,
        reset_peak_memory_stats=lambda index: calls.append(f"reset {index}"),
        max_memory_reserved=lambda index: [3, 7][index],
        empty_cache=lambda: calls.append("empty"),
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    with pytest.raises(MemoryError), measure_device_memory() as peak:
        calls.append("item")
        raise MemoryError
    assert peak.bytes == 7 and calls == ["reset 0", "reset 1", "item", "empty"]


def test_an_item_without_pytorch_has_no_peak_and_does_not_import_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with measure_device_memory() as peak:
        pass
    assert peak.bytes == 0 and "torch" not in sys.modules


@pytest.mark.parametrize(("device", "in_hand", "waits"), [
    ("cuda:0", ["detect"], False),
    ("cuda:0", ["detect", "match"], True),
    ("cuda:0", ["detect", "decode", "decode"], False),
    ("cpu", ["detect", "match"], False),
])  # fmt: skip
def test_an_item_waits_while_the_accelerator_is_full(
    device: str, in_hand: list[str], waits: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(device_memory, "read_device_memory", lambda _: 17e9)
    plan = cast("Any", SimpleNamespace(project=make_project(tmp_path, device)))
    nothing = cast("Any", None)
    runner = ItemRunner(plan, {}, nothing, [], nothing)
    runner.in_hand = {Item(f"video {n}", stage): nothing for n, stage in enumerate(in_hand)}
    assert runner._must_wait(Item("next", "detect")) == waits
    assert not runner._must_wait(Item("next", "decode"))
