"""The stage as a whole: who is asked about what, and what stands in the table."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.artifacts.action_model import TrainingFeatures
from tasks.artifacts.actions import Actions
from tasks.artifacts.shots import Shots
from tasks.artifacts.table import NULL
from tasks.classify.action_table import UNFAMILIAR
from tasks.classify.kinetics_evidence import UNCERTAIN
from tasks.classify.stage import classify
from tasks.streams.kinetics_labels import load_kinetics_labels
from tests.factories.compute import make_compute

PERSON = (1, 0, 40, "person")


def looks(actions: Actions) -> list[tuple[int, str, int]]:
    best = actions.take(actions.best)
    return [(int(w), str(s), int(t)) for w, s, t in zip(best.window, best.stream, best.track_id, strict=True)]


@pytest.fixture
def run(toy_i3d, judge):
    """The stage with the toy in I3D's place."""
    return judge


@pytest.fixture
def judge(make_frames, make_flow, make_tracks, make_model, params, cpu):
    def judge(count=40, lost=(), cuts=(), spans=(PERSON,), model=None, **changed) -> Actions:
        frames = make_frames(count, lost)
        tracks = make_tracks(frames, *spans)
        flow = make_flow(frames, cuts)
        shots = Shots.from_cuts(flow.cut, frames.pts_s)
        return classify(frames, flow, tracks, model or make_model(), shots=shots, params=params(**changed), compute=cpu)

    return judge


def test_without_a_team_s_model_each_stream_speaks_its_own_words_and_nothing_is_fused(run) -> None:
    actions = run()
    assert looks(actions) == [
        (0, "rgb", NULL), (0, "flow", 1), (1, "rgb", NULL), (1, "flow", 1), (2, "rgb", NULL), (2, "flow", 1),
    ]  # fmt: skip
    words = set(zip(actions.stream, actions.vocabulary, strict=True))
    assert words == {("rgb", "kinetics-400"), ("flow", "synthetic")}
    rgb = actions.take(actions.stream == "rgb")
    assert set(rgb.label) <= set(load_kinetics_labels()) and rgb.rank.tolist() == [1, 2, 3, 4, 5] * 3
    flow = actions.take(actions.stream == "flow")
    assert set(flow.label) == {"leap", "spin", "rest"}
    assert flow.probability.reshape(3, 3).sum(axis=1) == pytest.approx(np.ones(3))
    assert (np.diff(actions.probability.reshape(-1)[:5]) <= 0).all()
    assert actions.notes == []


def test_with_the_real_weights_a_disc_over_noise_is_no_confident_action(judge) -> None:
    actions = judge(max_windows=1)
    rgb = actions.take(actions.stream == "rgb")
    assert len(rgb) == 5 and not rgb.confident.any()
    assert 0 < rgb.max_logit[0] < 17, "far from what a film of one of its actions has"
    assert (rgb.cam.max(axis=1) == 255).all()


def test_windows_have_frames_and_times(run) -> None:
    actions = run()
    windows = actions.take(actions.best & (actions.stream == "rgb"))
    assert (windows.first_frame.tolist(), windows.last_frame.tolist()) == ([0, 16, 24], [15, 31, 39])
    assert windows.start_s == pytest.approx([0, 0.64, 0.96]) and windows.end_s == pytest.approx([0.6, 1.24, 1.56])
    assert not windows.looped.any()


@pytest.mark.parametrize(("region", "subject"), [("person", 1), ("frame", NULL)])
def test_a_team_s_model_speaks_through_both_streams_and_they_are_fused(run, make_model, region, subject) -> None:
    model = make_model("team", region)
    actions = run(model=model, max_windows=1)
    assert looks(actions) == [(0, stream, subject) for stream in ("rgb", "flow", "fused")]
    assert set(actions.vocabulary) == {"team"}
    said = {
        stream: {label: p for s, label, p in zip(actions.stream, actions.label, actions.probability, strict=True)
                 if s == stream}
        for stream in ("rgb", "flow", "fused")
    }  # fmt: skip
    pooled = {label: said["rgb"][label] ** 0.25 * said["flow"][label] ** 0.75 for label in model.labels}
    for label in model.labels:
        assert said["fused"][label] == pytest.approx(pooled[label] / sum(pooled.values()), abs=1e-6)
    fused = actions.take(actions.stream == "fused")
    assert (fused.cam_frame == NULL).all() and (fused.cam == 0).all()


def test_windows_unlike_all_that_was_learned_have_no_confident_label_and_the_table_says_so(run, make_model) -> None:
    usual = run(model=make_model("team"), min_probability=0.0)
    assert usual.confident[usual.best].all() and np.isnan(usual.novelty).all(), "nothing is known of its training"
    for far in (False, True):
        learned = {
            name: TrainingFeatures(
                np.zeros(width, np.float32),
                np.ones(width, np.float32),
                np.full((8, width), 1000 if far else 0, np.float16),
                np.full(8, 1e4 if not far else 1e-3),
            )
            for name, width in (("spatial", 1024), ("temporal", 384))
        }
        found = run(model=make_model("team", learned=learned), min_probability=0.0)
        assert (found.probability == usual.probability).all()
        assert (found.novelty == float(far)).all()
        assert found.confident[found.best].all() == (not far)
        assert any(note.startswith(UNFAMILIAR) for note in found.notes) == far
    flow = found.take(found.stream == "flow")
    assert len(flow) and not flow.confident.any()
    assert run(model=make_model("team", learned=learned), min_probability=0.0, max_novelty=1.0).confident.any()


def test_labels_of_kinetics_with_little_evidence_are_never_confident_and_the_table_says_so(run) -> None:
    usual = run(min_probability=0.0)
    rgb, flow = (usual.stream == stream for stream in ("rgb", "flow"))
    assert usual.confident[usual.best].all() and not usual.uncertain.any(), "there is no limit"
    assert np.isfinite(usual.max_logit[rgb]).all() and np.isnan(usual.max_logit[flow]).all()
    assert len(set(usual.max_logit[rgb & (usual.window == 0)])) == 1, "one for the window, whatever the rank"
    limit = float(np.sort(usual.max_logit[rgb & usual.best])[1])  # the middle one of three windows
    found = run(min_probability=0.0, min_logit=limit)
    assert found.confident[found.best & rgb].tolist() == (usual.max_logit[usual.best & rgb] >= limit).tolist()
    assert found.confident[found.best & flow].all(), "the motion stream has other labels"
    assert (found.uncertain == (usual.max_logit < limit)).all()
    [said] = [note for note in found.notes if note.startswith(UNCERTAIN)]
    assert "1 of 3 windows" in said


def test_where_nobody_is_tracked_a_team_s_model_looks_at_the_whole_frame_as_it_did_in_training(run, make_model) -> None:
    spans = [(1, 0, 16, "person")]
    actions = run(model=make_model("team"), spans=spans)
    streams = ("rgb", "flow", "fused")
    subjects = [1, NULL, NULL]  # gone in the second and the third window
    assert sorted(looks(actions)) == sorted((w, s, subject) for w, subject in enumerate(subjects) for s in streams)
    assert any("In 2 of 3 windows nobody is tracked" in note for note in actions.notes)
    assert any("In every window" in note for note in run(model=make_model("team"), spans=()).notes)


def test_a_team_s_model_of_one_stream_alone_is_not_fused(run, make_model) -> None:
    assert {s for _, s, _ in looks(run(model=make_model("team", temporal=None), max_windows=1))} == {"rgb"}
    assert {s for _, s, _ in looks(run(model=make_model("team", spatial=None), max_windows=1))} == {"flow"}


def test_the_people_present_longest_are_looked_at_and_nobody_and_nothing_else(run) -> None:
    spans = [
        (1, 0, 40, "car"),
        (2, 0, 12, "person"),
        (3, 0, 40, "person"),
        (4, 20, 40, "person"),
        (5, 33, 37, "person"),
    ]
    actions = run(spans=spans, max_windows=9, classify_people_by_appearance=True)
    of_people = [look for look in looks(actions) if look[2] != NULL]
    expected = [(0, 3), (1, 3), (2, 4), (3, 3), (3, 4)]  # the third window begins with 4's presence
    assert of_people == sorted(
        ((w, s, t) for w, t in expected for s in ("rgb", "flow")), key=lambda look: (look[0], look[1] != "rgb", look[2])
    )
    assert [look for look in looks(run(spans=spans, max_people=0)) if look[2] != NULL] == []


def test_evidence_lies_in_the_window_and_peaks_inside_the_square(run) -> None:
    actions = run(classify_people_by_appearance=True)
    mapped = actions.take(actions.cam.max(axis=1) > 0)
    assert len(mapped) > len(actions) / 2
    assert (mapped.cam.max(axis=1) == 255).all()
    assert (actions.cam_frame >= actions.first_frame).all() and (actions.cam_frame <= actions.last_frame).all()
    sides = actions.xyxy[:, 2:] - actions.xyxy[:, :2]
    assert sides[:, 0] == pytest.approx(sides[:, 1], abs=1e-3)
    whole = actions.take(actions.track_id == NULL)
    assert np.unique(sides[actions.track_id == NULL]) == pytest.approx(60 * 224 / 256, abs=1e-3)
    assert (whole.x1 == whole.x1[0]).all()
    # Person 1 moves a pixel a frame, and the square with them.
    person = actions.take(actions.track_id == 1)
    middle = (person.x1 + person.x2) / 2
    assert middle == pytest.approx(20 + person.cam_frame, abs=1)


def test_a_first_label_is_confident_from_the_threshold_on(run) -> None:
    actions = run(min_probability=0.0)
    assert (actions.confident == actions.best).all()
    assert not run(min_probability=1.0).confident.any()


def test_a_video_shorter_than_a_window_is_repeated_and_says_so(run) -> None:
    actions = run(count=12, spans=[(1, 0, 12, "person")])
    assert actions.looped.all() and set(actions.window) == {0}
    assert actions.last_frame.max() == 11
    assert actions.notes == ["The video is shorter than a window of 0.64 s and was repeated to fill it."]
    assert {s for _, s, _ in looks(actions)} == {"rgb", "flow"}


@pytest.mark.parametrize(
    ("count", "changed", "words"),
    [
        (5, {"spans": [(1, 0, 5, "person")]}, "nobody is tracked for .4 s"),
        (20, {"spans": [(1, 0, 20, "person")], "cuts": (5, 9, 14)}, "no window holds .4 s of flow"),
        (20, {"spans": ()}, "nobody is tracked for .4 s"),
        (20, {"spans": [(1, 0, 3, "person")]}, "nobody is tracked for .4 s"),
        (20, {"spans": [(1, 0, 20, "person")], "max_people": 0}, "classify.max_people is 0"),
    ],
)
def test_where_motion_cannot_be_judged_it_is_reported_why(run, count, changed, words) -> None:
    actions = run(count=count, **changed)
    assert set(actions.stream) == {"rgb"}
    assert any(words in note for note in actions.notes)


def test_no_window_spans_the_cut_of_a_film_of_two_scenes(
    toy_i3d, make_scenes, make_tracks, make_model, params, cpu
) -> None:
    """The cut is found by the stage that looks for cuts, and nobody's square leads to where they are behind it."""
    frames, dense_flow = make_scenes(20, 24)
    assert np.flatnonzero(dense_flow.cut).tolist() == [19]
    tracks = make_tracks(frames, (1, 0, 12, "person"), (1, 22, 44, "person"))  # one track, not seen around the cut
    found = classify(
        frames,
        dense_flow,
        tracks,
        make_model(),
        shots=Shots.from_cuts(dense_flow.cut, frames.pts_s),
        params=params(classify_people_by_appearance=True, max_windows=9),
        compute=cpu,
    )
    windows = found.take(found.best & (found.stream == "rgb") & (found.track_id == NULL))
    spans = list(zip(windows.first_frame.tolist(), windows.last_frame.tolist(), strict=True))
    assert spans == [(0, 15), (4, 19), (20, 35), (28, 43)]
    alone = make_tracks(frames, (1, 0, 12, "person"))
    same = classify(
        frames,
        dense_flow,
        alone,
        make_model(),
        shots=Shots.from_cuts(dense_flow.cut, frames.pts_s),
        params=params(classify_people_by_appearance=True, max_windows=9),
        compute=cpu,
    )
    first, expected = (one.take((one.window < 2) & (one.track_id == 1)) for one in (found, same))
    assert len(first) and (first.xyxy == expected.xyxy).all() and (first.probability == expected.probability).all()


def test_shots_shorter_than_a_window_are_repeated_and_the_notes_say_so(run) -> None:
    actions = run(count=60, cuts=(11, 14), spans=[(1, 0, 60, "person")], max_windows=9)
    windows = actions.take(actions.best & (actions.stream == "rgb"))
    assert windows.first_frame.tolist() == [0, 15, 31, 44] and windows.last_frame.tolist() == [11, 30, 46, 59]
    assert windows.looped.tolist() == [True, False, False, False]
    assert actions.notes == ["1 of 4 windows are in shots shorter than 0.64 s, repeated to fill them."]
    assert {s for w, s, _ in looks(actions) if w == 0} == {"rgb", "flow"}


def test_frames_between_the_instants_of_a_lower_rate_are_not_missed(run) -> None:
    actions = run(count=90, fps=15.0, spans=[(1, 0, 90, "person")], max_windows=9)
    first, last = (
        column[actions.best & (actions.stream == "rgb")] for column in (actions.first_frame, actions.last_frame)
    )
    assert (first[1:] > last[:-1] + 1).any(), "a frame falls between two windows"
    assert actions.notes == []


def test_a_long_video_says_that_windows_stand_for_it(run) -> None:
    assert (
        run(count=150, spans=(), max_people=0, max_windows=2).notes[0].startswith("2 windows of 0.64 s, evenly spread")
    )


@pytest.mark.parametrize(("count", "lost"), [(0, ()), (3, (0, 1, 2))])
def test_nothing_to_see_is_a_table_without_rows_that_says_so(run, count, lost) -> None:
    actions = run(count=count, lost=lost, spans=())
    assert len(actions) == 0 and actions.frame_count == count
    assert actions.notes == ["No frame came out whole, so there is nothing to classify."]


def test_one_frame_and_holes_are_ordinary(run) -> None:
    assert looks(run(count=1, spans=())) == [(0, "rgb", NULL)]
    holed = run(count=40, lost=(0, 7, 8, 39))
    assert (holed.first_frame.min(), holed.last_frame.max()) == (1, 38)


def test_the_same_inputs_give_the_same_bytes(run, make_model, tmp_path) -> None:
    for name in ("one", "two"):
        run(model=make_model("team"), max_windows=2).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_one_window_is_judged_alike_alone_and_among_others(run) -> None:
    alone, among = run(count=40, max_windows=1, window_stride=99), run(count=40, max_windows=9, window_stride=12)
    # The only window lies in the middle, frames 12 to 27; among others it is the second.
    assert alone.first_frame[0] == 12 and among.first_frame[among.window == 1][0] == 12
    same = among.take(among.window == 1)
    assert alone.label.tolist() == same.label.tolist()
    assert (alone.probability == same.probability).all() and (alone.cam == same.cam).all()


def test_the_stage_declares_its_weights_and_its_turn_at_the_accelerator(params) -> None:
    assert classify.weights(params()) == ("i3d-kinetics-400", "mobilenet-v2")
    other = params(
        network="r3d_18", network_file="r3d_18-b3b3357e.pth", network_sha256="0" * 64, window_length=16, fps=15.0
    )
    assert classify.weights(other) == ("mobilenet-v2",)
    assert classify.accelerator and list(classify.inputs) == ["frames", "dense_flow", "tracks", "action_model", "shots"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_length": 4},
        {"max_windows": 0},
        {"min_probability": 1.5},
        {"network": "r3d_18"},
        {"network": "r3d_18", "network_file": "a.pth"},
        {"network_file": "a.pth", "network_sha256": "0" * 64},
        {"network": "r3d_18", "network_file": "a.pth", "network_sha256": "b3b3357e"},
        {"max_people": -1},
    ],
)
def test_values_out_of_bounds_are_refused(params, wrong) -> None:
    with pytest.raises(ValidationError):
        params(**wrong)


@pytest.mark.gpu
def test_cuda_says_what_the_cpu_says(judge, make_frames, make_flow, make_tracks, make_model, params) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    frames = make_frames(40)
    tracks = make_tracks(frames, PERSON)
    cuda = make_compute("cuda", batch=4)
    flow = make_flow(frames)
    shots = Shots.from_cuts(flow.cut, frames.pts_s)
    found = classify(frames, flow, tracks, make_model("team"), shots=shots, params=params(), compute=cuda)
    exact = judge(model=make_model("team"))
    assert found.label[found.best].tolist() == exact.label[exact.best].tolist()
    assert found.probability[found.best] == pytest.approx(exact.probability[exact.best], abs=0.02)
