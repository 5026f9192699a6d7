"""Group equal reasons of many videos into one line, so that failures and plans fit a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flows.cli.text_formatting import format_video_name, join_lines
from flows.engine.outcome import Item

NAMED = 3
"""Most videos of a group that are named."""
ANY_VIDEO = "<video>"


class ItemReason(NamedTuple):
    """The reason for the status of one item."""

    item: Item
    status: str
    text: str


@dataclass(frozen=True)
class ReasonGroup:
    """Items of one stage with the same reason, apart from the names of their videos."""

    stage: str
    status: str
    text: str
    videos: tuple[str, ...]
    """Names of the first videos, as shown."""
    count: int

    @property
    def who(self) -> str:
        """Stage and videos: "track walk" or "track, 1,000 videos (walk, run, jump, ...)"."""
        named = ", ".join(self.videos)
        if self.count <= 1:
            return f"{self.stage} {named}"
        return f"{self.stage}, {self.count:,} videos ({named}{', ...' if self.count > len(self.videos) else ''})"


def group_reasons(reasons: Iterable[ItemReason]) -> list[ReasonGroup]:
    """The groups, in the order of their first items."""
    found: dict[tuple[str, str, str], list[ItemReason]] = {}
    for reason in reasons:
        key = (reason.item.stage, reason.status, _of_any_video(reason))
        found.setdefault(key, []).append(reason)
    return [_group(text, members) for (_, _, text), members in found.items()]


def _group(text: str, members: Sequence[ItemReason]) -> ReasonGroup:
    texts = {member.text for member in members}
    names = tuple(format_video_name(member.item) for member in members[:NAMED])
    first = members[0]
    shown = first.text if len(texts) == 1 else text
    return ReasonGroup(first.item.stage, first.status, join_lines(shown), tuple(map(join_lines, names)), len(members))


def _of_any_video(reason: ItemReason) -> str:
    """The reason with ANY_VIDEO in place of the video's name, where that occurs as a whole word."""
    video, text = reason.item.video, reason.text
    if text.endswith(f" {video}") and text.count(video) == 1:  # the most frequent form: "waits for ..."
        return f"{text[: -len(video)]}{ANY_VIDEO}"
    parts: list[str] = []
    begin = at = 0
    while video and (at := text.find(video, at)) >= 0:  # not a regular expression, as 10,000 videos would need as many
        end = at + len(video)
        if not (_in_word(text[at - 1 : at]) or _in_word(text[end : end + 1])):
            parts += [text[begin:at], ANY_VIDEO]
            begin = end
        at = end
    return "".join([*parts, text[begin:]])


def _in_word(character: str) -> bool:
    return character.isalnum() or character in ("_", "-")
