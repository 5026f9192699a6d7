"""recipes.js: every file and how its stage made it, once each, for the pages of films."""

from __future__ import annotations

import json

from flows.overview.recipes_script import VARIABLE, render_recipes_script
from flows.overview.weight_licences import UNKNOWN_LICENCE
from tasks.weights.catalog import WEIGHTS, weights_sha256
from tests.overview.test_dataset_card import FACTS, MD5, make_facts


def test_files_stand_by_their_stem_and_methods_by_their_stage() -> None:
    text = render_recipes_script(FACTS)
    start, end = f"window.{VARIABLE} = ", ";\n"
    assert text.startswith(start) and text.endswith(end)
    found = json.loads(text.removeprefix(start).removesuffix(end))
    frames, tracks = found["artifacts"]
    assert (frames["kept"], tracks["kept"]) == (False, True)
    assert tracks["files"] == {"a": [MD5, 5_000_000], "b ü": [MD5, 7_000_000]}
    assert found["raw"] == {"a.mp4": MD5}
    assert found["stages"]["decode"]["params"] == {"max_side": 640}
    assert found["stages"]["track"]["reads"] == ["data/frames"]
    weights = found["stages"]["track"]["weights"]
    assert weights["yolo26n"] == {"sha256": weights_sha256("yolo26n"), "licence": WEIGHTS["yolo26n"].licence}
    assert weights["mine"]["licence"] == UNKNOWN_LICENCE


def test_names_stand_as_the_erasure_of_a_video_seeks_them() -> None:
    name = 'b "ü"'
    text = render_recipes_script(make_facts({f"data/tracks/{name}.parquet": (MD5, 7)}))
    assert json.dumps(name, ensure_ascii=False)[1:-1] in text
