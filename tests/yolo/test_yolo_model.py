from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest

from tasks.runtime import load_once
from tasks.weights.fetch import weights_path
from tasks.weights.weight_cache import cache_dir
from tasks.yolo import yolo_model
from tasks.yolo.onnx_export import onnx_path
from tasks.yolo.yolo_model import load_yolo, load_yolo_onnx, load_yolo_torch


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Six pictures of coloured blocks: not objects, but every number of the network is used."""
    random = np.random.default_rng(0)
    blocks = random.integers(0, 255, (6, 12, 20, 3), np.uint8)
    return blocks.repeat(32, axis=1).repeat(32, axis=2)


@pytest.mark.parametrize("weights", ["yolo26n", "yolo11n"])
def test_threads_and_batches_change_no_bit(weights, images):
    one, two = (load_yolo_onnx(onnx_path(weights), threads) for threads in (1, 2))
    together = one.forward(images)
    assert together.tobytes() == two.forward(images).tobytes()
    assert together.tobytes() == np.concatenate([one.forward(image[None]) for image in images]).tobytes()


def test_the_heads_are_told_apart_and_name_cocos_classes(images):
    yolo26, yolo11 = load_yolo("yolo26n", "cpu"), load_yolo("yolo11n", "cpu")
    assert yolo26.one_to_one and yolo26.forward(images[:1]).shape == (1, 300, 6)
    assert not yolo11.one_to_one and yolo11.forward(images[:1]).shape == (1, 84, 5040)
    assert yolo26.names == yolo11.names and len(yolo26.names) == 80
    assert (yolo26.names[0], yolo26.names[79]) == ("person", "toothbrush")


def test_a_model_is_loaded_once_however_many_ask_at_once(monkeypatch):
    loaded: list[object] = []
    load = yolo_model.load_yolo_onnx
    monkeypatch.setattr(yolo_model, "load_yolo_onnx", lambda path: loaded.append(path) or load(path))
    load_once_more = load_once(load_yolo.__wrapped__)  # without what other tests have loaded
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: load_once_more("yolo26n", "cpu"), range(4)))
    assert len(loaded) == 1
    assert all(other is models[0] for other in models)


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["yolo26n", "yolo11n"])
def test_two_fresh_exports_are_one_graph_and_give_the_same_bits(weights, images, tmp_path, checkout):
    program = (
        "import sys, torch; torch.set_num_threads({}); from pathlib import Path; "
        "from tasks.yolo.onnx_export import export_onnx;"
    )
    graphs: list[bytes] = []
    outputs: list[bytes] = []
    for threads in (1, 2):
        path = tmp_path / f"{threads}.onnx"
        call = f"export_onnx(Path({str(weights_path(weights))!r}), Path({str(path)!r}))"
        environment = os.environ | {"PYTHONHASHSEED": str(threads)}
        subprocess.run(
            [sys.executable, "-c", program.format(threads) + call], check=True, env=environment, cwd=checkout
        )
        made = onnx.load(path)
        del made.metadata_props[:]  # the date is among them
        graphs.append(made.SerializeToString(deterministic=True))
        outputs.append(load_yolo_onnx(path).forward(images).tobytes())
    assert graphs[0] == graphs[1]
    assert outputs[0] == outputs[1]
    assert outputs[0] == load_yolo_onnx(onnx_path(weights)).forward(images).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("weights", ["yolo26n", "yolo11n"])
def test_half_precision_in_torch_sees_the_same_boxes(weights, images):
    exact, half = load_yolo(weights, "cpu"), load_yolo_torch(weights_path(weights), "cpu")
    assert (half.names, half.one_to_one, half.batched) == (exact.names, exact.one_to_one, True)
    ours, theirs = exact.forward(images), half.forward(images)
    assert ours.shape == theirs.shape
    if exact.one_to_one:
        ours, theirs = ours[:, :10], theirs[:, :10]  # weaker ones change places
        np.testing.assert_allclose(theirs[..., 4], ours[..., 4], atol=0.02)
    else:
        np.testing.assert_allclose(theirs[:, 4:], ours[:, 4:], atol=0.05)


@pytest.mark.slow
def test_an_export_opens_no_connection_and_writes_nothing_outside_the_cache(tmp_path, checkout):
    program = f"""
import socket, sys
from pathlib import Path
def refuse(*args):
    print('connection to', args[-1])
    raise OSError('no network')
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from tasks.yolo.onnx_export import export_onnx
export_onnx(Path({str(weights_path("yolo26n"))!r}), Path({str(tmp_path / "model.onnx")!r}))
"""
    home = tmp_path / "home"
    home.mkdir()
    environment = os.environ | {"HOME": str(home), "SEMFLOW_CACHE": str(tmp_path / "cache")}
    environment = {k: v for k, v in environment.items() if not k.startswith(("YOLO_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=checkout, capture_output=True, text=True, check=True
    )
    assert (tmp_path / "model.onnx").exists()
    assert done.stdout == ""
    assert list(home.rglob("*")) == []


def test_exports_lie_in_the_cache_under_a_name_that_tells_what_they_were_made_of():
    assert onnx_path("yolo26n").parent == cache_dir() / "onnx"
    assert onnx_path("yolo26n") != onnx_path("yolo11n")


def test_importing_ultralytics_leaves_the_threads_of_opencv_alone(checkout):
    program = (
        "import cv2; cv2.setNumThreads(3); from tasks.yolo.ultralytics_import import import_ultralytics; "
        "import_ultralytics(); "
        "print(cv2.getNumThreads()); cv2.setNumThreads(1); print(cv2.getNumThreads())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "1"]
