"""Results of a batch as documents: an item's recipe and outcome, methods, entries of the index page, and the end.

`results/<batch>/items/<holder>-<number>.json` is written after the objects that its recipe names, so whoever reads a
result can fetch what it promises. Documents carry the holder (claims.py) in their names: a batch that two agents got by
mistake has results of both.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from flows.agents.document_store import DocumentStore
from flows.engine.outcome import Item, Outcome
from flows.engine.recipe import Method, Recipe, parse_method, parse_recipe

log = logging.getLogger("semflow")
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
    """The first document of an agent: it has taken the batch."""

    agent: str
    holder: str
    """Name of the agent's heartbeat (claims.py)."""


@dataclass(frozen=True)
class BatchEnd:
    """The last document of an agent."""

    agent: str
    holder: str = ""
    held: Mapping[str, str] = field(default_factory=dict[str, str])
    """Video that another agent computes, to that agent."""
    other_device: Mapping[str, str] = field(default_factory=dict[str, str])
    """Video of which something is computed again that another class of device made, to that reason."""
    error: str = ""
    """Why nothing was computed; "" where the batch was worked through."""
    seconds: float = 0.0
    received: int = 0
    """Bytes of objects fetched."""
    sent: int = 0
    """Bytes of objects pushed."""


def write_result(documents: DocumentStore, batch: str, name: str, result: ItemResult) -> None:
    """Write the result of an item under a `name` of its own; the objects of its recipe must be in the exchange."""
    method = result.method
    fields = {
        "agent": result.agent,
        "outcome": result.outcome.to_dict(),
        "recipe": None if result.recipe is None else result.recipe.to_text(),
        "method": None if method is None else method.digest,
    }
    if method is not None:
        documents.create_document(f"{FOLDER}/{batch}/methods/{method.digest}.json", method.to_text().encode())
    documents.write_document(f"{FOLDER}/{batch}/items/{name}.json", json.dumps(fields).encode())


def write_entry(documents: DocumentStore, batch: str, name: str, video: str, entry: Mapping[str, Any]) -> None:
    """Write a video's entry of the index page, as the agent's state has it, under a `name` of its own."""
    fields = {"video": video, "entry": dict(entry)}
    documents.write_document(f"{FOLDER}/{batch}/entries/{name}.json", json.dumps(fields).encode())


def write_start(documents: DocumentStore, batch: str, start: BatchStart) -> None:
    """Write that an agent has taken the batch."""
    documents.write_document(f"{FOLDER}/{batch}/starts/{start.holder}.json", json.dumps(asdict(start)).encode())


def write_end(documents: DocumentStore, batch: str, end: BatchEnd) -> None:
    """Write that an agent has ended its work on the batch; nothing of it comes later."""
    documents.write_document(f"{FOLDER}/{batch}/ends/{end.holder}.json", json.dumps(asdict(end)).encode())


@dataclass
class NewResults:
    """What has come since the last look."""

    items: list[ItemResult] = field(default_factory=list[ItemResult])
    entries: dict[str, Any] = field(default_factory=dict[str, Any])
    """Video to its entry of the index page."""


@dataclass
class ResultReader:
    """Reads the results of one batch as they come; each once."""

    documents: DocumentStore
    batch: str
    starts: dict[str, BatchStart] = field(default_factory=dict[str, BatchStart])
    """Holder to its start, of all agents that took the batch."""
    ends: dict[str, BatchEnd] = field(default_factory=dict[str, BatchEnd])
    """Holder to its end."""
    _seen: set[str] = field(default_factory=set[str])
    _read: NewResults = field(default_factory=NewResults)
    _methods: dict[str, Method] = field(default_factory=dict[str, Method])

    def read_new(self) -> NewResults:
        """New results; `starts` and `ends` are up to date afterwards.

        Documents that are not valid are left out, so their items count as never computed. Where the store fails in
        between, what was read comes with the next call.
        """
        for name in self.documents.list_documents(f"{FOLDER}/{self.batch}"):
            if name in self._seen or "/methods/" in name:
                continue
            data = self.documents.read_document(name)
            if data is None:
                continue
            self._seen.add(name)
            try:
                self._parse(name.split("/")[2], data, self._read)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                log.warning("%s is left out: %s", name, error)
        found, self._read = self._read, NewResults()
        return found

    def _parse(self, kind: str, data: bytes, found: NewResults) -> None:
        fields: dict[str, Any] = json.loads(data)
        if kind == "items":
            found.items.append(self._parse_item(fields))
        elif kind == "entries":
            found.entries[str(fields["video"])] = fields["entry"]
        elif kind == "starts":
            start = BatchStart(**fields)
            self.starts[start.holder] = start
        elif kind == "ends":
            end = BatchEnd(**fields)
            self.ends[end.holder] = end

    def remove(self) -> None:
        """Remove the batch's results."""
        self.documents.remove_documents(f"{FOLDER}/{self.batch}")

    def _parse_item(self, fields: dict[str, Any]) -> ItemResult:
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
