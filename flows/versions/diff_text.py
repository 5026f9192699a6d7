"""A comparison of two versions as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import Any

from flows.versions.version_diff import Pair, VersionDiff, VideoChange, list_identity_groups

MAX_NAMES, MAX_METRICS, MAX_COLUMNS = 10, 40, 3


def describe_diff(diff: VersionDiff, max_videos: int) -> Iterator[str]:
    """The lines, the `max_videos` worst videos among them."""
    yield f"{diff.before} -> {diff.after}"
    if diff.is_empty:
        yield "nothing differs"
        return
    yield from _describe_pairs("parameters", diff.params)
    for stage, words in diff.methods.items():
        yield f"\n{stage}: {len(words)} {'difference' if len(words) == 1 else 'differences'} of its method"
        yield from (f"  {word}" for word in words[:MAX_NAMES])
        if len(words) > MAX_NAMES:
            yield f"  and {len(words) - MAX_NAMES} more"
    for title, names in (("added", diff.added), ("gone", diff.gone)):
        if names:
            more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
            yield f"\n{_count_videos(names)} {title}: {', '.join(names[:MAX_NAMES])}{more}"
    yield from _describe_pairs("metrics of all videos", diff.metrics, MAX_METRICS)
    yield from _describe_pairs("figures of suites that were run", diff.suites, MAX_METRICS)
    if diff.dataset is not None:
        yield "\nof the whole data set"
        yield from _describe_video(diff.dataset)
    yield f"\n{_count_videos(diff.videos)} changed, {diff.same_videos:,} the same"
    for change in diff.videos[:max_videos]:
        yield f"\n{change.video}  {change.score:.0%} changed"
        yield from _describe_video(change)
    if len(diff.videos) > max_videos:
        yield f"\n{len(diff.videos) - max_videos} more videos differ less: --videos N shows more, --html and --json all"


def format_value(value: Any) -> str:
    """A value for people: whole numbers with separators, nothing as a dash."""
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def format_difference(pair: Pair) -> str:
    """The signed difference of two numbers; "" where one is none."""
    before, after = pair
    if isinstance(before, bool) or isinstance(after, bool):
        return ""
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return ""
    return f"{after - before:+,}" if isinstance(after - before, int) else f"{after - before:+.4g}"


def _count_videos(videos: Sized) -> str:
    return f"{len(videos):,} {'video' if len(videos) == 1 else 'videos'}"


def _describe_pairs(title: str, pairs: Mapping[str, Pair], limit: int | None = None) -> Iterator[str]:
    if not pairs:
        return
    yield f"\n{title}"
    names = list(pairs)[:limit]
    name_width = max(len(name) for name in names)
    values = {name: [format_value(value) for value in pairs[name]] for name in names}
    widths = [max(len(values[name][side]) for name in names) for side in (0, 1)]
    for name in names:
        before, after = values[name]
        line = (
            f"  {name:<{name_width}}  {before:>{widths[0]}} -> {after:>{widths[1]}}  {format_difference(pairs[name])}"
        )
        yield line.rstrip()
    if len(pairs) > len(names):
        yield f"  and {len(pairs) - len(names)} more: --html and --json show all"


def _describe_video(change: VideoChange) -> Iterator[str]:
    yield f"  files that differ: {', '.join(change.artifacts) or 'none'}"
    for stage, (before, after) in change.faults.items():
        yield f"  {stage}: {before or 'good'} -> {after or 'good'}"
    if change.identities is not None:
        one = change.identities
        renumbered = f" ({one.renumbered} with another number)" if one.renumbered else ""
        yield f"  identities: {one.kept} kept{renumbered}"
        yield from (f"    {name} {words}" for name, words in list_identity_groups(one))
    for table in change.tables:
        rows = (
            f"{table.rows[0]:,} -> {table.rows[1]:,} rows"
            if table.rows[0] != table.rows[1]
            else f"{table.rows[0]:,} rows"
        )
        classes = "; ".join(f"{name} {one:,} -> {other:,}" for name, (one, other) in table.counts.items())
        yield f"  {table.artifact}: {rows}{f'; {classes}' if classes else ''}"
        for column in table.columns[:MAX_COLUMNS]:
            before, after = column.median
            yield f"    {column.name}: median {before:g} -> {after:g}, distributions {column.distance:.0%} apart"
    for note in change.notes:
        yield f"  {note}"
