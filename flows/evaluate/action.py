"""Action recognition against labels: `semflow eval action --data DIR`.

DIR holds clips, videos or GIFs, and `labels.csv` with the columns `file` and `label`: the action in each clip, a label
of Kinetics-400 or of a team's own action model. Clips go through the stages' own code with their sections of
params.yaml, and the mean prediction of the whole clip is scored. `top-1` is the share of clips whose
label comes first, `top-5` of those where it is among the first five, for every stream that knows the label; `p` is the
probability of the label. `ece` is the expected calibration error of the first labels of all windows (Guo et al., 2017),
and the tables `reliability` say how often they are right by how probable they are. Clips without a label, or with one
that no vocabulary has, are not scored, but their predictions are shown. `confident right` and `confident wrong` count
windows with a confident label; the label `none` says of a clip that it shows none of the actions, so that each is
wrong. The action model is the project's own where it has one, else the one that ships with semflow; `--model FILE`
takes another.
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import click

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.engine.project import find_root
from flows.evaluate.action_reliability import count_confident, list_window_predictions, measure_reliability
from flows.evaluate.score_table import SuiteScores, TableRow
from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.actions import ActionPrediction, Actions
from tasks.artifacts.artifact import DATASET_ITEM, StreamingArtifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.classify.params import ClassifyParams
from tasks.classify.stage import classify
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.detect.params import DetectParams
from tasks.detect.stage import detect
from tasks.errors import BadInput, SemflowError
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.estimate_flow.stage import estimate_flow
from tasks.params import Compute, ParamSections
from tasks.streams.kinetics_labels import KINETICS_400, load_kinetics_labels
from tasks.track.params import TrackParams
from tasks.track.run_tracker import track_detections
from tasks.train.pretrained_model import load_pretrained_model

LABELS_FILE = "labels.csv"
VIDEO_SUFFIXES = frozenset({".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv"})
"""Of files beside labels.csv that count as clips without a label."""
RANKS = {"top-1": 1, "top-5": 5}
SHOWN_LABELS = 3
"""Labels that are shown of each clip."""
RGB_ONLY_MODEL = ActionModel(
    labels=("none",),
    vocabulary="synthetic",
    spatial=None,
    temporal=None,
    region="frame",
    fusion=(1.0, 0.0),
    metrics={},
)
"""Has no stream: only the rgb stream with Kinetics-400 predicts."""
ClipSummary = Mapping[str, Sequence[ActionPrediction]]


@dataclass(frozen=True)
class LabelledClip:
    """One clip and its true label."""

    name: str
    file: Path
    label: str | None
    """The action in it, as the vocabularies write it; None where it is unlabelled."""


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--model", type=click.Path(path_type=Path), help="action model (.npz) instead of the project's own")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score action recognition on labelled clips: top-1 and top-5."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """Top-1 and top-5 of every stream, the predictions of every clip, and confusion matrices."""
    model = _load_action_model(arguments.model)
    clips = read_labelled_clips(arguments.data)
    vocabularies = {KINETICS_400: load_kinetics_labels(), model.vocabulary: model.labels}
    known = {label for labels in vocabularies.values() for label in labels}
    if not any(clip.label in known for clip in clips):
        raise BadInput(
            f"{arguments.data / LABELS_FILE} must hold labels of Kinetics-400 or of the action model "
            f"({', '.join(model.labels)}), got {', '.join(sorted({clip.label or 'none' for clip in clips}))}"
        )
    if not any(clip.label in model.labels for clip in clips):
        model = RGB_ONLY_MODEL  # a stream with another vocabulary cannot be scored
    predicted = [classify_clip(clip.file, model, params) for clip in clips]
    scores = score_clips(clips, [actions.summarise_streams() for actions in predicted], vocabularies)
    windows = [(clip.label, list_window_predictions(each)) for clip, each in zip(clips, predicted, strict=True)]
    errors, tables = measure_reliability(windows, vocabularies)
    errors |= count_confident(windows, vocabularies)
    return replace(scores, combined={**scores.combined, **errors}, tables={**scores.tables, **tables})


def read_labelled_clips(folder: Path) -> list[LabelledClip]:
    """The clips of labels.csv in its order, then others that lie there; BadInput where the table is invalid."""
    table = folder / LABELS_FILE
    if not table.is_file():
        raise BadInput(f"{folder} must hold {LABELS_FILE} with the columns file and label, got none")
    try:
        text = table.read_text(encoding="utf-8-sig")  # Excel writes a byte order mark
    except UnicodeDecodeError:
        raise BadInput(f"{table} must be UTF-8, got another encoding; save it as CSV UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not {"file", "label"} <= {*(reader.fieldnames or ())}:
        raise BadInput(f"{table} must have the columns file and label, got {', '.join(reader.fieldnames or ())}")
    rows = [(str(row["file"]).strip(), (row["label"] or "").strip() or None) for row in reader]
    names = [name for name, _ in rows]
    for name in names:
        if not (folder / name).is_file():
            raise BadInput(f"{table} must name files beside it, got {name!r}, which is not there")
        if names.count(name) > 1:
            raise BadInput(f"{table} must name each file once, got {name!r} twice")
    others = sorted(
        path.name for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.name not in names
    )
    return [LabelledClip(name, folder / name, label) for name, label in [*rows, *((name, None) for name in others)]]


def classify_clip(file: Path, model: ActionModel, params: ParamSections) -> Actions:
    """The actions table of the clip `file`."""
    with tempfile.TemporaryDirectory() as folder:
        frames = decode(RawVideo(file), params.get_section(DecodeParams)).to(Path(folder) / "frames.parquet")
        return run_classification(frames, model, params, Path(folder))


def run_classification(frames: Frames, model: ActionModel, params: ParamSections, folder: Path) -> Actions:
    """The actions table of a clip, running those earlier stages whose results the model needs."""
    compute = params.get_section(Compute)
    flow = _make_empty_flow(frames)
    tracks = Tracks.empty(frame_count=len(frames), width=frames.width, height=frames.height)
    if model.temporal is not None:
        flow = estimate_flow(frames, params.get_section(EstimateFlowParams), compute)
    if model.region == "person":
        found = detect(frames, params.get_section(DetectParams), compute)
        tracks = track_detections(found, frames.pts_s, params.get_section(TrackParams))
    dense_flow = flow.to(folder / "dense_flow.parquet")
    settings = params.get_section(ClassifyParams)
    shots = Shots.from_cuts(dense_flow.cut, frames.pts_s, frames.video)
    return classify(frames, dense_flow, tracks, model, shots=shots, params=settings, compute=compute)


def score_clips(
    clips: Sequence[LabelledClip], predicted: Sequence[ClipSummary], vocabularies: Mapping[str, Sequence[str]]
) -> SuiteScores:
    """Metrics of the predictions, one per clip, in the same order; `vocabularies` maps their names to labels."""
    pairs = list(zip(clips, predicted, strict=True))
    scored = {clip.name: _score_clip(clip.label, words, vocabularies) for clip, words in pairs if clip.label}
    items = {name: row for name, row in scored.items() if row}
    names = dict.fromkeys(name for row in items.values() for name in row)
    combined = {name: fmean(row[name] for row in items.values() if name in row) for name in names}
    tables: dict[str, Sequence[TableRow]] = {"predictions": [row for pair in pairs for row in _list_predictions(*pair)]}
    for stream in dict.fromkeys(stream for words in predicted for stream in words):
        best = [(clip, words[stream][0].label) for clip, words in pairs if stream in words]
        told = [(clip.label, label) for clip, label in best if clip.label and f"p {stream}" in items.get(clip.name, {})]
        tables[f"confusion, {stream}"] = count_confusions(told)
        tables[f"labels, {stream}"] = list_label_scores(told)
    return SuiteScores("action", items, combined, tables)


def _score_clip(label: str, words: ClipSummary, vocabularies: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Metrics of one clip, for the streams whose vocabulary has its label; 0 where the label was not among the best."""
    found: dict[str, float] = {}
    for stream, ranked in words.items():
        if label in vocabularies.get(ranked[0].vocabulary, ()):
            first = {name: [each.label for each in ranked[:most]] for name, most in RANKS.items()}
            found |= {f"{name} {stream}": float(label in labels) for name, labels in first.items()}
            found[f"p {stream}"] = next((each.probability for each in ranked if each.label == label), 0.0)
    return found


def _list_predictions(clip: LabelledClip, words: ClipSummary) -> list[TableRow]:
    """Table rows with the first labels of each stream, or one that says that there are none."""
    truth = {"clip": clip.name, "label": clip.label or "(none)"}
    if not words:
        return [{**truth, "stream": "", "predicted": "nothing: no window could be classified"}]
    rows: list[TableRow] = []
    for stream, ranked in words.items():
        row: dict[str, str | float] = {
            **truth,
            "stream": stream,
            "predicted": ranked[0].label,
            "p": ranked[0].probability,
        }
        row["confident"] = "yes" if ranked[0].confident else "no"
        row["then"] = ", ".join(f"{each.label} {each.probability:.2f}" for each in ranked[1:SHOWN_LABELS])
        rows.append(row)
    return rows


def count_confusions(pairs: Sequence[tuple[str, str]]) -> list[TableRow]:
    """Confusion matrix as a row per true label, from pairs (true, predicted)."""
    predicted = sorted({what for _, what in pairs})
    counts = Counter(pairs)
    return [
        {"label": label, **{what: counts[label, what] for what in predicted}} for label in sorted({t for t, _ in pairs})
    ]


def list_label_scores(pairs: Sequence[tuple[str, str]]) -> list[TableRow]:
    """Recall and precision of each true label, from pairs (true, predicted); a dash for the precision of none."""
    true, predicted, right = Counter(t for t, _ in pairs), Counter(p for _, p in pairs), Counter(pairs)
    return [
        {
            "label": label,
            "clips": count,
            "recall": right[label, label] / count,
            "precision": right[label, label] / predicted[label] if predicted[label] else "-",
        }
        for label, count in sorted(true.items())
    ]


def _load_action_model(file: Path | None) -> ActionModel:
    """The action model of `file`, else the project's, else the pretrained one."""
    if file is not None:
        if not file.is_file():
            raise SemflowError(f"--model must be an action model, got {file}, which is not there")
        return ActionModel.load(file)
    own = ActionModel.path(find_root(Path.cwd()), DATASET_ITEM)
    return ActionModel.load(own) if own.is_file() else load_pretrained_model()


def _make_empty_flow(frames: Frames) -> StreamingArtifact[DenseFlow]:
    encoding = FlowEncoding(frames.height, frames.width, grid=2, steps_per_px=32)
    pairs = (FlowPair.empty(encoding) for _ in range(len(frames) - 1))
    return DenseFlow.stream(pairs, FlowMetadata(len(frames), "none", encoding))
