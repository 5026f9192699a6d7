"""A batch: some videos, the items to compute of each, and all that an agent needs to know, as one JSON document.

What it refers to (raw videos, files that users wrote) lies in the exchange, by MD5. A batch comes from another machine,
so it is checked when it is read: names stay inside the project, hashes are hashes, recipes are sealed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from flows.agents.document_store import DocumentStore, check_name
from flows.engine.outcome import Item
from flows.engine.recipe import MD5, Method, Recipe, parse_method, parse_recipe
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.decode.film_address import parse_film_address
from tasks.errors import SemflowError

FOLDER = "batches"
FORMAT = 1
"""Version of the document; an agent of another version refuses it."""
T = TypeVar("T")
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,80}")


@dataclass(frozen=True)
class BatchVideo:
    """One video of a batch."""

    name: str
    relative: str
    """Path below data/raw."""
    md5: str
    """MD5 of the raw file."""
    place: str = ""
    """Path or address where every machine finds the film (a video listed in videos.yaml); "": from the exchange."""
    parts: Mapping[str, Any] | None = None
    """The entry of videos.yaml of a film of several files, with absolute paths; None for a single file."""
    form: str = ""
    """For an address, the text of the address file whose film has this MD5, so that an agent need not hash it."""


@dataclass(frozen=True)
class Batch:
    """The work that one agent gets at once."""

    id: str
    videos: tuple[BatchVideo, ...]
    items: tuple[Item, ...]
    """The items to compute."""
    params: str
    """The text of params.yaml."""
    methods: tuple[Method, ...]
    """The coordinator's methods of all stages of one video, with which the agent's must agree: with other code in a
    stage that is up to date, the agent would make its artifacts anew, and what reads them of these."""
    recipes: tuple[Recipe, ...]
    """Recipes of what is up to date already, and of the items over the whole data set."""
    recipe_methods: tuple[Method, ...]
    """Methods that these recipes name."""
    files: Mapping[str, str]
    """Path of a file that users wrote (labels, cameras), relative to the project, to its MD5."""
    others: tuple[str, ...] = ()
    """Paths below data/raw of further videos, where names or stems depend on them."""
    needs: str = "cpu"
    """`gpu` where an item uses an accelerator, and there are agents that have one; else `cpu`."""
    expected_s: float = 0.0

    def select_videos(self, names: Container[str]) -> Batch:
        """The batch with the videos `names` alone; the paths of the others stay, as names depend on them."""
        videos = tuple(video for video in self.videos if video.name in names)
        others = (*self.others, *(video.relative for video in self.videos if video.name not in names))
        owners = {DATASET_ITEM, *(video.name for video in videos)}
        recipes = tuple(recipe for recipe in self.recipes if recipe.video in owners)
        return replace(self, videos=videos, others=others, recipes=recipes)

    def to_json(self) -> bytes:
        """The document."""
        fields: dict[str, Any] = {
            **asdict(self),
            "format": FORMAT,
            "methods": [method.to_text() for method in self.methods],
            "recipes": [recipe.to_text() for recipe in self.recipes],
            "recipe_methods": [method.to_text() for method in self.recipe_methods],
        }
        return json.dumps(fields, sort_keys=True).encode()


def write_batch(documents: DocumentStore, batch: Batch) -> None:
    """Write the batch where agents read it."""
    documents.write_document(f"{FOLDER}/{batch.id}.json", batch.to_json())


def remove_batch(documents: DocumentStore, batch_id: str) -> None:
    """Remove a batch; an agent that gets it later finds that there is nothing to do."""
    documents.remove_document(f"{FOLDER}/{batch_id}.json")


def has_batch(documents: DocumentStore, batch_id: str) -> bool:
    """Whether the batch is still wanted."""
    return documents.read_document(f"{FOLDER}/{batch_id}.json") is not None


def read_batch(documents: DocumentStore, batch_id: str) -> Batch:
    """The batch `batch_id`; raises SemflowError where there is none or it is not valid."""
    if _ID.fullmatch(batch_id) is None:
        raise SemflowError(f"a batch must be named by letters, digits and dashes, got {batch_id!r}")
    data = documents.read_document(f"{FOLDER}/{batch_id}.json")
    if data is None:
        raise SemflowError(
            f"the batch {batch_id} must be in the store that the coordinator writes to, got none; this agent's clone "
            "must have the same default DVC remote (or cache folder) as the coordinator's"
        )
    try:
        return parse_batch(data)
    except SemflowError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SemflowError(f"the batch {batch_id} must be one that semflow wrote, got {error!r}") from None


def parse_batch(data: bytes) -> Batch:
    """The batch in a document; raises SemflowError or ValueError where it is not valid."""
    fields: dict[str, Any] = json.loads(data)
    if fields["format"] != FORMAT:
        raise SemflowError(
            f"a batch must have format {FORMAT}, got {fields['format']}; coordinator and agents must run one version"
        )
    videos = tuple(_parse_video(video) for video in fields["videos"])
    for video in videos:
        check_name(video.relative)
        _check_md5(video.md5)
    for path, md5 in fields["files"].items():
        if not check_name(path).startswith("data/"):
            raise ValueError(f"{path!r} must lie below data/")
        _check_md5(md5)
    recipes = [_parsed(parse_recipe(text)) for text in fields["recipes"]]
    return Batch(
        id=str(fields["id"]),
        videos=videos,
        items=tuple(Item(str(video), str(stage)) for video, stage in fields["items"]),
        params=str(fields["params"]),
        methods=tuple(_parsed(parse_method(text)) for text in fields["methods"]),
        recipes=tuple(recipes),
        recipe_methods=tuple(_parsed(parse_method(text)) for text in fields["recipe_methods"]),
        files=dict(fields["files"]),
        others=tuple(check_name(str(name)) for name in fields["others"]),
        needs=str(fields["needs"]),
        expected_s=float(fields["expected_s"]),
    )


def _parse_video(fields: dict[str, Any]) -> BatchVideo:
    parts = fields.pop("parts")
    if parts is not None and not isinstance(parts, dict):
        raise ValueError(f"{parts!r} must be an entry of videos.yaml")
    video = BatchVideo(**{key: str(value) for key, value in fields.items()}, parts=parts)
    if video.form and parse_film_address(video.form).url != video.place:
        raise ValueError(f"{video.form!r} must be of the film at {video.place}")
    return video


def _check_md5(md5: str) -> None:
    if MD5.fullmatch(md5) is None:
        raise ValueError(f"{md5!r} must be an MD5")


def _parsed(value: T | None) -> T:
    if value is None:
        raise ValueError("a recipe or method was edited or is damaged")
    return value
