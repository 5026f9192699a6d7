"""The head of the page: the video's name, what it is in words, and the few figures that matter."""

from __future__ import annotations

from tasks.report.dossier import Dossier
from tasks.report.markup import Markup, join, tag
from tasks.report.sections.counts import census
from tasks.report.words import clock, duration, number, rate, size


def header(dossier: Dossier) -> Markup:
    """Name, sentences, notes, figures."""
    return join(
        [
            tag("h1", dossier.video),
            tag("p", sentences(dossier), class_="lead"),
            _notes(dossier),
            tag("dl", *(_figure(*figure) for figure in _figures(dossier)), class_="figures"),
        ]
    )


def sentences(dossier: Dossier) -> str:
    """The account in words."""
    a = dossier.frames.decode_report
    if not a.kept:
        return f"No frame came out of this file, of {number(a.expected, 1)} announced."
    pace = (
        f"{rate(a.fps)} frames per second on average, its pace varying" if a.vfr else f"{rate(a.fps)} frames per second"
    )
    turned = f", turned {a.rotation_deg}° clockwise as the file asks" if a.rotation_deg else ""
    said = [f"{duration(a.duration_s)} of video, {size(a.source_width, a.source_height)} pixels at {pace}{turned}."]
    if a.damaged or a.lost:
        wrong = [f"{number(a.damaged, 1)} came out damaged"] if a.damaged else []
        wrong += [f"{number(a.lost, 1)} {'was' if a.lost == 1 else 'were'} lost"] if a.lost else []
        said.append(f"Of {number(a.expected, 1)} frames announced, {' and '.join(wrong)}.")
    elif a.decoded == a.expected:
        said.append(
            f"All {number(a.decoded, 1)} frames came out whole." if a.decoded > 1 else "Its one frame came out whole."
        )
    else:
        said.append(f"{number(a.decoded, 1)} frames came out whole; the file announces {number(a.expected, 1)}.")
    if a.kept != a.decoded + a.lost:
        said.append(f"{number(a.kept, 1)} of them are kept at the working rate.")
    return " ".join(said)


def _notes(dossier: Dossier) -> Markup | None:
    a = dossier.frames.decode_report
    kind = "notes hurt" if a.damaged or a.lost else "notes"
    return tag("ul", *(tag("li", note) for note in a.notes), class_=kind) if a.notes else None


def _figures(dossier: Dossier) -> list[tuple[str, str, str]]:
    """(name, value, remark)."""
    frames, found = dossier.frames, census(dossier)
    whole = int(frames.ok.sum())
    remark = "all whole" if whole == len(frames) > 0 else f"{number(whole, 1)} whole"
    figures = [
        ("Duration", clock(dossier.span_s, 0.1), f"{number(len(frames), 1)} frames, {remark}"),
        ("Detections", number(len(dossier.detections), 1), _per_frame(len(dossier.detections), whole)),
        ("Tracks", number(len(dossier.lives), 1), ", ".join(_kinds(dossier)[:3]) or "none"),
    ]
    if found:
        peak = int(found[0].amounts.argmax())
        when = clock(float(dossier.edges_s[peak]), 0.1)
        figures.append(("Most at once", str(int(found[0].amounts.max())), f"{found[0].class_name}, at {when}"))
        longest = dossier.lives[0]
        figures.append(("Here longest", duration(longest.present_s), f"{longest.class_name} {longest.track_id}"))
    return figures


def _per_frame(amount: int, frames: int) -> str:
    return f"{number(amount / frames, 2)} per frame" if amount else "none"


def _kinds(dossier: Dossier) -> list[str]:
    """`12 person`, `3 car`: tracks per class, the most frequent first."""
    kinds: dict[str, int] = {}
    for life in dossier.lives:
        kinds[life.class_name] = kinds.get(life.class_name, 0) + 1
    return [f"{number(amount, 1)} {kind}" for kind, amount in sorted(kinds.items(), key=lambda kv: (-kv[1], kv[0]))]


def _figure(name: str, value: str, remark: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value), tag("dd", remark, class_="remark"))
