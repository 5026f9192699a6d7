"""The film in a few sentences for people: how long, who is in it, what they do, and what of that is unsure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tasks.artifacts.actions import Actions
from tasks.artifacts.table import NULL
from tasks.report.camera_words import STILL_PX, median_camera_speed
from tasks.report.formatting import TIMES, format_count, format_duration
from tasks.report.report_data import ReportData
from tasks.report.sections.actions_section import STREAM_WORDS
from tasks.report.sections.counts_section import count_per_frame
from tasks.report.vocabulary_words import NEAREST_OF, PRETRAINED

PERSON = "person"
BRIEF_S = 0.5
"""Seconds in the picture below which a track is often a mistake of the detector; counted apart."""
PEOPLE_NAMED, LABELS_NAMED, CLASSES_NAMED = 3, 2, 3


def summarise_film(data: ReportData) -> str:
    """Sentences from the data alone; what is not known is left out, what is unsure is said to be."""
    return " ".join(part for part in (_say_who(data), _say_actions(data), _say_doubts(data)) if part)


def _say_who(data: ReportData) -> str:
    length = format_duration(data.span_s)
    people = [one for one in data.track_summaries if one.class_name == PERSON]
    brief = sum(one.present_s < BRIEF_S for one in people)
    seen = len(people) - brief
    others = _count_others(data)
    if not people:
        return (
            f"{length} of film with {others} and nobody in it."
            if others
            else f"{length} of film; nobody was found in it."
        )
    most = next((int(one.amounts.max()) for one in count_per_frame(data) if one.class_name == PERSON), 0)
    words = _count_people(seen) if most >= seen else f"up to {_count_people(seen)}"
    asides = [f"{_count_people(brief)} more for less than {BRIEF_S:g} s"] if brief else []
    asides += ["who is lost and found again counts twice"] if most < seen else []
    words += f" ({'; '.join(asides)})" if asides else ""
    at_once = f", at most {most} at once" if len(people) > 1 else ""
    brief_others = any(one.class_name != PERSON and one.present_s < BRIEF_S for one in data.track_summaries)
    since = f", for {BRIEF_S:g} s or more," if brief_others else ""
    beside = f"; also{since} {others}" if others else ""
    return f"{length} of film with {words}{at_once}{beside}."


def _count_people(amount: int) -> str:
    return format_count(amount, "person", "people")


def _count_others(data: ReportData) -> str:
    """Tracks of the most frequent classes other than people: `12 x car, 3 x bicycle and 2 other objects`."""
    kinds: dict[str, int] = {}
    for one in data.track_summaries:
        if one.class_name != PERSON and one.present_s >= BRIEF_S:
            kinds[one.class_name] = kinds.get(one.class_name, 0) + 1
    ranked = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    named = [f"{amount} {TIMES} {name}" for name, amount in ranked[:CLASSES_NAMED]]
    rest = sum(amount for _, amount in ranked[CLASSES_NAMED:])
    return ", ".join(named) + (f" and {format_count(rest, 'other object')}" if rest else "")


def _say_actions(data: ReportData) -> str:
    """What the people who are longest in the picture are confidently said to do, or the whole picture."""
    table = data.actions
    if table is None or not len(table):
        return ""
    sure = table.take(table.best & table.confident)
    nearest = sure.vocabulary == PRETRAINED
    parts = (_say_labels(data, sure.take(~nearest), "Recognised with confidence"),)
    parts += (_say_labels(data, sure.take(nearest), f"By motion, {NEAREST_OF}"),)
    return " ".join(filter(None, parts)) or "No action was recognised with confidence."


def _say_labels(data: ReportData, sure: Actions, words: str) -> str:
    """One sentence on these confident labels, that begins with `words`; empty where there are none."""
    said = {subject: _sum_labels(sure, subject) for subject in [*_list_people(data), NULL]}
    named = [(subject, labels) for subject, labels in said.items() if labels and subject != NULL][:PEOPLE_NAMED]
    parts = [f"person {subject}: {_write_labels(labels)}" for subject, labels in named]
    if said[NULL]:
        parts.append(f"the whole picture: {_write_labels(said[NULL])}")
    if not parts:
        return ""
    more = sum(bool(labels) for labels in said.values()) - len(parts)
    return f"{words}: {'; '.join(parts)}" + (
        f"; and of {format_count(more, 'more person', 'more people')}." if more else "."
    )


def _list_people(data: ReportData) -> list[int]:
    return [one.track_id for one in data.track_summaries if one.class_name == PERSON]


def _sum_labels(sure: Actions, subject: int) -> Mapping[str, float]:
    """Label to its seconds, in descending order; of both streams fused where they are."""
    mine = sure.take(sure.track_id == subject)
    if (mine.stream == "fused").any():
        mine = mine.take(mine.stream == "fused")
    seconds = {str(label): measure_union(mine.take(mine.label == label)) for label in np.unique(mine.label.astype(str))}
    return dict(sorted(seconds.items(), key=lambda item: (-item[1], item[0])))


def measure_union(windows: Actions) -> float:
    """Seconds that lie in at least one of the windows, which may overlap."""
    total, reached = 0.0, -np.inf
    for start, end in sorted(zip(windows.start_s.tolist(), windows.end_s.tolist(), strict=True)):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _write_labels(labels: Mapping[str, float]) -> str:
    """The longest labels with their seconds; about, as windows begin and end where they may."""
    return ", ".join(f"{label} (about {format_duration(s)})" for label, s in list(labels.items())[:LABELS_NAMED])


def _say_doubts(data: ReportData) -> str:
    """What makes the rest unsure: names without confidence, damaged frames, a moving camera."""
    doubts: list[str] = []
    table = data.actions
    if table is not None and len(table):
        first = table.take(table.best)
        unsure = int((~first.confident).sum())
        strange = int(first.unfamiliar.sum())
        if unsure:
            streams = sorted({STREAM_WORDS[stream] for stream in first.stream[~first.confident]})
            which = f", by {streams[0]}" if len(streams) == 1 and len(set(first.stream)) > 1 else ""
            doubts.append(f"{unsure} of {format_count(len(first), 'name of an action', 'names of actions')}{which}")
        if strange:
            windows = format_count(strange, "window looks", "windows look")
            doubts.append(f"{windows} like nothing that was learned")
    hurt = int((~np.asarray(data.frames.ok)).sum())
    if hurt:
        doubts.append(f"whatever happens in {format_count(hurt, 'damaged or lost frame')}")
    if data.has_flow and median_camera_speed(data.dense_flow, 0, len(data.frames)) > STILL_PX:
        doubts.append("speeds and distances, since the camera moves")
    return f"Unsure: {'; '.join(doubts)}." if doubts else ""
