from __future__ import annotations

import subprocess
import sys

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tasks.yolo.torchvision_ops import make_torchvision_importable, nms_on_cpu


def brute_force(boxes, scores, threshold):
    kept: list[int] = []
    for n in sorted(range(len(scores)), key=lambda n: (-scores[n], n)):
        for k in kept:
            left, top = max(boxes[n][0], boxes[k][0]), max(boxes[n][1], boxes[k][1])
            right, bottom = min(boxes[n][2], boxes[k][2]), min(boxes[n][3], boxes[k][3])
            shared = max(right - left, 0) * max(bottom - top, 0)
            areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (boxes[n], boxes[k])]
            if shared > threshold * (sum(areas) - shared):
                break
        else:
            kept.append(n)
    return kept


@given(st.integers(0, 30), st.sampled_from([0.2, 0.45, 0.7]), st.integers(0, 2**32 - 1))
def test_torchvisions_nms_keeps_what_brute_force_keeps(count, threshold, seed):
    random = np.random.default_rng(seed)
    corner, size = random.random((count, 2)) * 50, random.random((count, 2)) * 30
    boxes = np.hstack([corner, corner + size]).astype(np.float32)
    scores = random.random(count).astype(np.float32)
    expected = brute_force(boxes.tolist(), scores.tolist(), threshold)
    arguments = torch.from_numpy(boxes), torch.from_numpy(scores), threshold
    assert nms_on_cpu(*arguments).tolist() == expected
    assert make_torchvision_importable().ops.nms(*arguments).tolist() == expected


def test_asking_twice_gives_the_same_module():
    assert make_torchvision_importable() is make_torchvision_importable() is sys.modules["torchvision"]


def test_an_import_that_works_is_left_alone(tmp_path, checkout):
    (tmp_path / "torchvision.py").write_text("name = 'the real one'")
    program = (
        "import sys; from tasks.yolo.torchvision_ops import make_torchvision_importable as make;"
        "print(make().name, 'torch' in sys.modules)"
    )
    path = f"import sys; sys.path.insert(0, {str(tmp_path)!r});"
    done = subprocess.run(
        [sys.executable, "-c", path + program], capture_output=True, text=True, check=True, cwd=checkout
    )
    assert done.stdout.split("\n")[0] == "the real one False"
