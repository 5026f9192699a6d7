"""Lines that say the same of many videos become one, so that what went wrong, or will be done, fits a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flows.cli.text_formatting import format_video_name, join_lines
from flows.engine.outcome import Item

NAMED = 3
"""Videos of a group that are named."""
ANY_VIDEO = "<video>"


class ItemReason(NamedTuple):
    """What is said of one item."""

    item: Item
    status: str
    text: str


@dataclass(frozen=True)
class ReasonGroup:
    """Items of one stage of which the same is said, but for the names of their videos."""

    stage: str
    status: str
    text: str
    videos: tuple[str, ...]
    """Names of the first ones, as they are shown."""
    count: int

    @property
    def who(self) -> str:
        """E.g. "track walk" or "track, 1,000 videos (walk, run, jump, ...)"."""
        named = ", ".join(self.videos)
        if self.count <= 1:
            return f"{self.stage} {named}"
        return f"{self.stage}, {self.count:,} videos ({named}{', ...' if self.count > len(self.videos) else ''})"


def group_reasons(reasons: Iterable[ItemReason]) -> list[ReasonGroup]:
    """The groups, in the order in which each begins."""
    found: dict[tuple[str, str, str], list[ItemReason]] = {}
    for reason in reasons:
        key = (reason.item.stage, reason.status, _of_any_video(reason))
        found.setdefault(key, []).append(reason)
    return [_group(text, members) for (_, _, text), members in found.items()]


def _group(text: str, members: Sequence[ItemReason]) -> ReasonGroup:
    texts = {member.text for member in members}
    names = tuple(format_video_name(member.item) for member in members[:NAMED])
    first = members[0]
    said = first.text if len(texts) == 1 else text
    return ReasonGroup(first.item.stage, first.status, join_lines(said), tuple(map(join_lines, names)), len(members))


def _of_any_video(reason: ItemReason) -> str:
    """What is said, the name of its video taken out where it stands by itself."""
    video, text = reason.item.video, reason.text
    if text.endswith(f" {video}") and text.count(video) == 1:  # of most items that wait for others
        return f"{text[: -len(video)]}{ANY_VIDEO}"
    parts: list[str] = []
    begin = at = 0
    while video and (at := text.find(video, at)) >= 0:  # 10,000 videos would be as many regular expressions
        end = at + len(video)
        if not (_in_word(text[at - 1 : at]) or _in_word(text[end : end + 1])):
            parts += [text[begin:at], ANY_VIDEO]
            begin = end
        at = end
    return "".join([*parts, text[begin:]])


def _in_word(character: str) -> bool:
    return character.isalnum() or character in ("_", "-")
