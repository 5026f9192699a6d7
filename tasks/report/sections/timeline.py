"""Who was there when: a row per track."""

from __future__ import annotations

from tasks.report.dossier import Dossier
from tasks.report.lives import Life, Stretch
from tasks.report.markup import Markup, join, tag
from tasks.report.plot import percent, swatch, time_axis, time_plot
from tasks.report.section import Section, nothing
from tasks.report.words import clock, count

ROW_PX = 22
BAR_PX = 12
FINEST = 1 / 2000  # of the width: gaps below it do not show, so stretches are drawn as one


def timeline(dossier: Dossier) -> Section | None:
    """The chart, or None where the parameters ask for no rows."""
    most = dossier.params.timeline_rows
    if not most:
        return None
    if not dossier.lives:
        return Section("timeline", "Who, when", "", nothing("The tracker followed nothing in this video."))
    shown = sorted(dossier.lives[:most], key=lambda life: (life.first_s, life.track_id))
    more = len(dossier.lives) - len(shown)
    names = [
        tag(
            "button",
            swatch(dossier.slots[life.class_id]),
            tag("span", f"{life.class_name} {life.track_id}"),
            type="button",
            data_t=f"{life.first_s:.4f}",
            title=f"Go to {clock(life.first_s, 0.1)}",
        )
        for life in shown
    ]
    chart = time_plot(
        dossier,
        ROW_PX * len(shown),
        f"Timeline of {count(len(shown), 'track')}; the table below holds the same figures",
        [_row(life, i * ROW_PX, dossier) for i, life in enumerate(shown)],
    )
    rest = f"The {len(shown)} present longest are drawn; {count(more, 'more track')} in the table and the Parquet file."
    return Section(
        anchor="timeline",
        title="Who, when",
        lead="Solid where detected, pale where the tracker filled in, a thin line where the track was out of sight. "
        "Click to go there." + (" Bands mark damaged (amber) and lost (red) frames." if dossier.faults else ""),
        body=join(
            [
                tag(
                    "div",
                    time_axis(dossier),
                    tag("div", *names, class_="names"),
                    chart,
                    class_="gantt",
                    style=f"--row:{ROW_PX}px",
                ),
                tag("p", rest, class_="more") if more else Markup(),
            ]
        ),
    )


def _row(life: Life, top: int, dossier: Dossier) -> Markup:
    span, middle = dossier.span_s, top + ROW_PX / 2
    filled = f", {life.filled} of them filled in" if life.filled else ""
    parts = [
        tag(
            "title",
            f"{life.class_name} {life.track_id}: {clock(life.first_s, 0.1)} to {clock(life.last_s, 0.1)}, "
            f"{count(life.frames, 'frame')}{filled}",
        ),
        tag("rect", class_="hit", x="0", y=top, width="100%", height=ROW_PX),
        tag(
            "line", class_="life", x1=percent(life.first_s / span), x2=percent(life.last_s / span), y1=middle, y2=middle
        ),
        *(
            tag(
                "rect",
                class_=None if part.seen else "filled",
                x=percent(part.start_s / span),
                y=middle - BAR_PX / 2,
                width=percent((part.stop_s - part.start_s) / span),
                height=BAR_PX,
            )
            for part in coarse(life.stretches, span * FINEST)
        ),
    ]
    return tag(
        "g",
        *parts,
        class_=f"track k{dossier.slots[life.class_id]}",
        data_from=f"{life.first_s:.4f}",
        data_to=f"{life.last_s:.4f}",
    )


def coarse(stretches: tuple[Stretch, ...], finest_s: float) -> list[Stretch]:
    """Stretches with what is too short to be drawn joined to its neighbour on the left."""
    joined: list[Stretch] = []
    for part in stretches:
        last = joined[-1] if joined else None
        near = last is not None and part.start_s - last.stop_s < finest_s
        if last is not None and near and (part.seen == last.seen or part.stop_s - part.start_s < finest_s):
            joined[-1] = Stretch(last.start_s, part.stop_s, last.seen)
        else:
            joined.append(part)
    return joined
