"""Results of a batch as documents: an item's recipe and outcome, methods, entries of the index page, and the end.

`results/<batch>/items/<number>.json` is written after the objects that its recipe names, so whoever reads a result can
fetch what it promises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from flows.agents.document_store import DocumentStore
from flows.engine.outcome import Item, Outcome
from flows.engine.recipe import Method, Recipe, parse_method, parse_recipe

FOLDER = "results"


@dataclass(frozen=True)
class ItemResult:
    """What an agent says of one item."""

    agent: str
    outcome: Outcome
    recipe: Recipe | None
    """None where the item failed for a reason that is not recorded, or waits for another."""
    method: Method | None

    @property
    def item(self) -> Item:
        """The item."""
        return self.outcome.item


@dataclass(frozen=True)
class BatchStart:
    """The first document of a batch: who computes it."""

    agent: str
    holder: str
    """Name of the agent's heartbeat (claims.py)."""


@dataclass(frozen=True)
class BatchEnd:
    """The last document of a batch."""

    agent: str
    held: Mapping[str, str] = field(default_factory=dict[str, str])
    """Video that another agent computes, to that agent."""
    error: str = ""
    """Why nothing was computed; "" where the batch was worked through."""
    seconds: float = 0.0
    received: int = 0
    """Bytes of objects fetched."""
    sent: int = 0
    """Bytes of objects pushed."""


def write_result(documents: DocumentStore, batch: str, number: int, result: ItemResult) -> None:
    """Write the result of an item; the objects that its recipe names must be in the exchange."""
    method = result.method
    fields = {
        "agent": result.agent,
        "outcome": result.outcome.to_dict(),
        "recipe": None if result.recipe is None else result.recipe.to_text(),
        "method": None if method is None else method.digest,
    }
    if method is not None:
        name = f"{FOLDER}/{batch}/methods/{method.digest}.json"
        documents.create_document(name, method.to_text().encode())
    documents.write_document(f"{FOLDER}/{batch}/items/{number:06d}.json", json.dumps(fields).encode())


def write_entry(documents: DocumentStore, batch: str, number: int, video: str, entry: Mapping[str, Any]) -> None:
    """Write a video's entry of the index page, as the state of the agent's project holds it."""
    fields = {"video": video, "entry": dict(entry)}
    documents.write_document(f"{FOLDER}/{batch}/entries/{number:06d}.json", json.dumps(fields).encode())


def write_start(documents: DocumentStore, batch: str, start: BatchStart) -> None:
    """Write who computes the batch; the last agent that starts it counts."""
    documents.write_document(f"{FOLDER}/{batch}/start.json", json.dumps(asdict(start)).encode())


def read_start(documents: DocumentStore, batch: str) -> BatchStart | None:
    """Who computes the batch; None where nobody has begun."""
    data = documents.read_document(f"{FOLDER}/{batch}/start.json")
    try:
        return None if data is None else BatchStart(**json.loads(data))
    except (ValueError, TypeError):
        return None


def write_end(documents: DocumentStore, batch: str, end: BatchEnd) -> None:
    """Write that the batch has ended; nothing comes after it."""
    documents.write_document(f"{FOLDER}/{batch}/end.json", json.dumps(asdict(end)).encode())


@dataclass
class ResultReader:
    """Reads the results of one batch as they come; each once."""

    documents: DocumentStore
    batch: str
    _seen: set[str] = field(default_factory=set[str])
    _methods: dict[str, Method] = field(default_factory=dict[str, Method])

    def read_new(self) -> tuple[list[ItemResult], dict[str, Any], BatchEnd | None]:
        """New results of items, new entries of the index page by video, and the end where it was reached.

        Documents that are not valid are left out, so their items count as never computed.
        """
        names = self.documents.list_documents(f"{FOLDER}/{self.batch}")
        results: list[ItemResult] = []
        entries: dict[str, Any] = {}
        end: BatchEnd | None = None
        for name in names:
            if name in self._seen:
                continue
            data = self.documents.read_document(name)
            kind = name.split("/")[2]
            try:
                if data is None:
                    continue
                if kind == "items":
                    results.append(self._parse_item(data))
                elif kind == "entries":
                    fields = json.loads(data)
                    entries[str(fields["video"])] = fields["entry"]
                elif kind == "end.json":
                    end = BatchEnd(**json.loads(data))
            except (ValueError, KeyError, TypeError, AttributeError):
                pass
            self._seen.add(name)
        return results, entries, end

    def remove(self) -> None:
        """Remove the batch and its results."""
        self.documents.remove_documents(f"{FOLDER}/{self.batch}")

    def _parse_item(self, data: bytes) -> ItemResult:
        fields: dict[str, Any] = json.loads(data)
        outcome = Outcome(**fields["outcome"])
        recipe = None if fields["recipe"] is None else parse_recipe(fields["recipe"])
        if fields["recipe"] is not None and (recipe is None or (recipe.video, recipe.stage) != outcome.item):
            raise ValueError("the recipe was edited or is damaged")
        method = None if fields["method"] is None else self._method(str(fields["method"]))
        return ItemResult(str(fields["agent"]), outcome, recipe, method)

    def _method(self, digest: str) -> Method:
        if digest not in self._methods:
            text = self.documents.read_document(f"{FOLDER}/{self.batch}/methods/{digest}.json")
            method = None if text is None else parse_method(text.decode())
            if method is None or method.digest != digest:
                raise ValueError("the method was edited or is damaged")
            self._methods[digest] = method
        return self._methods[digest]
