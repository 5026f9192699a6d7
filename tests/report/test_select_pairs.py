"""Which pairs of frames are shown."""

from __future__ import annotations

import numpy as np

from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata, SemanticFlowPair
from tasks.geometry.cell_grid import CellGrid
from tasks.report.select_pairs import (
    MAX_CANDIDATES,
    confident_lengths,
    mean_confident_motion,
    select_informative_pairs,
    select_widest_pairs,
)


def make(
    ends: list[tuple[int, int]], speeds: list[float], missing: tuple[int, ...] = (), frames: int = 0
) -> SemanticFlow:
    values = np.zeros((len(ends), 6, 8, 3), np.float16)
    values[..., 0], values[..., 2] = np.array(speeds)[:, None, None], 1
    pairs = tuple(SemanticFlowPair(a, b, None if i in missing else 0.8) for i, (a, b) in enumerate(ends))
    count = frames or 1 + max((b for _, b in ends), default=0)
    return SemanticFlow(values, pairs, SemanticFlowMetadata(count, 64, 48, CellGrid(6, 8, 8, 8, 0, 0)))


def test_the_widest_distance_is_taken_and_what_is_missing_or_of_two_scenes_left_out() -> None:
    semantic = make([(0, 1), (0, 8), (4, 12), (8, 16), (12, 20)], [1] * 5, missing=(3,))
    cut = np.zeros(20, np.bool_)
    cut[5] = True  # between frames 5 and 6
    choice = select_widest_pairs(semantic, np.append(0, np.cumsum(cut)))
    assert choice.stride == 8
    assert choice.every.tolist() == [1, 2, 3, 4]
    assert choice.missing.tolist() == [False, False, True, False]
    assert choice.apart.tolist() == [True, True, False, False]
    assert choice.usable.tolist() == [4]


def test_a_cut_at_either_end_of_a_pair_belongs_to_it_only_if_between_its_frames() -> None:
    semantic = make([(4, 8)], [1.0], frames=20)
    for place, apart in ((3, False), (4, True), (7, True), (8, False)):
        cut = np.zeros(19, np.bool_)
        cut[place] = True
        shot = np.append(0, np.cumsum(cut))
        assert select_widest_pairs(semantic, shot).apart.tolist() == [apart]


def test_without_pairs_there_is_no_distance() -> None:
    choice = select_widest_pairs(make([], [], frames=1), np.zeros(1, np.intp))
    assert (choice.stride, len(choice.every), len(choice.usable)) == (0, 0, 0)
    assert select_informative_pairs(make([], [], frames=1), choice.usable, 3) == []


def test_of_each_part_of_the_video_the_pair_with_most_motion_is_shown() -> None:
    speeds = [1.0] * 16
    speeds[3], speeds[10], speeds[7] = 5, 2, 9  # 7 is at the seam of both parts
    semantic = make([(i, i + 1) for i in range(16)], speeds)
    assert select_informative_pairs(semantic, np.arange(16), 2) == [3, 10]
    assert select_informative_pairs(semantic, np.arange(16)[:1], 4) == [0]
    assert select_informative_pairs(semantic, np.arange(16), 0) == []


def test_a_long_video_costs_no_more_than_a_short_one() -> None:
    count = 5000
    semantic = make([(i, i + 1) for i in range(count)], [1.0] * count)
    asked: list[int] = []
    inner = semantic.flow
    vars(semantic)["flow"] = lambda row: asked.append(row) or inner(row)
    assert len(select_informative_pairs(semantic, np.arange(count), 4)) == 4
    assert len(asked) <= MAX_CANDIDATES
    assert asked[-1] - asked[0] > count * 0.8


def test_wild_cells_and_unsure_ones_are_no_motion() -> None:
    flow = np.full((9, 9, 2), (3, 4), np.float32)
    flow[4, 4] = 300
    sure = np.ones((9, 9), np.bool_)
    sure[:, :3] = False
    assert np.allclose(confident_lengths(flow, sure), np.where(sure, 5, 0))
    semantic = make([(0, 1)], [6.0])
    assert mean_confident_motion(semantic, 0) == 6
