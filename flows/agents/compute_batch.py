"""Compute one batch on this machine: claim its videos, fetch what they need, run the engine, hand in the results."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from flows.agents.agent_project import (
    check_agent,
    hold_agent_folder,
    open_agent_project,
    write_inputs,
    write_settings,
)
from flows.agents.batch import Batch, has_batch, read_batch
from flows.agents.claims import BEAT_S, LEASE_S, ClaimTaker, Heartbeat, HeldClaims, make_holder, make_token
from flows.agents.document_store import DocumentStore
from flows.agents.exchange import Exchange, Share
from flows.agents.full_disk import describe_full_disk, names_full_disk
from flows.agents.outages import RETRY_S, PatientDocuments, call_patiently
from flows.agents.publish_results import ResultPublisher
from flows.agents.results import BatchEnd, BatchStart, ResultReader, write_end, write_entry, write_start
from flows.engine.outcome import Item, Observer, Summary
from flows.engine.project import PIPELINE, Project
from flows.engine.run import run_stale_items
from flows.overview.index_store import PREFIX
from tasks.errors import SemflowError
from tasks.stage import Stage

MakeObserver = Callable[[Project], Observer]


@dataclass(frozen=True)
class AgentSettings:
    """How an agent works."""

    name: str
    """Named in claims, results and messages; no other agent has it."""
    share: Share = "remote"
    pipeline: str | tuple[Stage[..., Any], ...] = PIPELINE
    """Where the stages are imported from, or the stages themselves."""
    beat_s: float = BEAT_S
    lease_s: float = LEASE_S
    retry_s: Sequence[float] = RETRY_S
    """Seconds between tries to hand in a result while the store does not answer."""


def compute_batch(
    root: Path, batch_id: str, settings: AgentSettings, observers: Sequence[MakeObserver] = ()
) -> tuple[BatchEnd, Summary | None]:
    """Compute the batch with the clone at `root`; gives its end and the summary of the run (None: nothing to do).

    Each of `observers` gets the project and gives an observer of the run. Raises SemflowError where this agent must
    not compute the batch: other code, weights or device than the coordinator's; it says so in the exchange, too.
    Where the disk is full, it returns after a lease only: an agent that fails at once would get every batch next.
    """
    began = time.monotonic()
    exchange = Exchange.open_project(root, settings.share)
    documents = PatientDocuments(exchange.documents, settings.retry_s)
    batch = read_batch(documents, batch_id)
    holder = make_holder(settings.name)
    summary: Summary | None = None
    with Heartbeat(exchange.documents, holder, settings.beat_s):
        write_start(documents, batch_id, BatchStart(settings.name, holder))
        try:
            done, summary = _compute_claimed(root, batch, settings, exchange, holder=holder, observers=observers)
        except SemflowError as problem:
            write_end(documents, batch_id, BatchEnd(settings.name, holder, error=str(problem)))
            raise
        except (OSError, sqlite3.Error) as problem:
            if not names_full_disk(str(problem)):
                raise
            done = _Done({}, error=describe_full_disk(root), has_full_disk=True)
        seconds = time.monotonic() - began
        end = BatchEnd(
            settings.name,
            holder,
            done.held,
            done.other_device,
            done.error,
            seconds,
            received=exchange.received,
            sent=exchange.sent,
        )
        write_end(documents, batch_id, end)
    if done.has_full_disk:
        time.sleep(settings.lease_s)
    return end, summary


@dataclass(frozen=True)
class _Done:
    held: Mapping[str, str]
    """Video that another agent computes, to that agent."""
    other_device: Mapping[str, str] = field(default_factory=dict[str, str])
    """Video that needs another class of device, to a reason."""
    error: str = ""
    has_full_disk: bool = False


def _compute_claimed(
    root: Path,
    batch: Batch,
    settings: AgentSettings,
    exchange: Exchange,
    *,
    holder: str,
    observers: Sequence[MakeObserver],
) -> tuple[_Done, Summary | None]:
    """Claim the batch's videos, and compute those that nobody else holds."""
    documents = PatientDocuments(exchange.documents, settings.retry_s)
    with hold_agent_folder(root) as folder:
        write_settings(root, folder, batch)
        other = check_agent(folder, batch, settings.pipeline)
        tokens = {v.name: make_token(v.relative, v.md5) for v in batch.videos if v.name not in other}
        taker = ClaimTaker(documents, settings.name, holder, settings.lease_s, settings.beat_s / 2)
        found = taker.take_claims(list(tokens.values()))
        held = {name: found.held[token] for name, token in tokens.items() if token in found.held}
        mine = {name: token for name, token in tokens.items() if token in found.taken}
        claims = HeldClaims(exchange.documents, dict(found.taken))
        try:
            if not mine or not has_batch(documents, batch.id):  # the coordinator has what it wanted
                return _Done(held, other), None
            batch = _add_known_results(batch.select_videos(mine), documents)
            call_patiently(partial(write_inputs, folder, batch, exchange), settings.retry_s)
            lacking = _find_lacking_artifacts(batch, exchange)
            project = open_agent_project(folder, batch, exchange, settings.pipeline)
            publisher = ResultPublisher(
                exchange, project, batch.id, settings.name, holder, claims, mine, settings.retry_s
            )
            summary = _run(project, publisher, [make(project) for make in observers], set(batch.items))
            # The engine's workers fetch artifacts on demand, past the exchange.
            exchange.received += sum(size for md5, size in lacking.items() if exchange.store.has_object(md5))
            error = describe_full_disk(root) if publisher.has_full_disk else publisher.error
            return _Done({**held, **publisher.refused}, other, error, publisher.has_full_disk), summary
        finally:
            claims.end_claims()


def _find_lacking_artifacts(batch: Batch, exchange: Exchange) -> dict[str, int]:
    """MD5 to bytes of the artifacts of earlier items that this machine's cache lacks; {} where all share one cache."""
    if exchange.share == "cache":
        return {}
    files = [file for recipe in batch.recipes for made in recipe.outputs.values() for file in made.values()]
    return {md5: size for md5, size in files if not exchange.store.has_object(md5)}


def _add_known_results(batch: Batch, documents: DocumentStore) -> Batch:
    """The batch with what an agent that had it before has handed in, so that it is not computed again.

    The engine takes a recipe only where its key is the expected one.
    """
    names = {video.name for video in batch.videos}
    items = [result for result in ResultReader(documents, batch.id).read_new().items if result.item.video in names]
    recipes = {(r.video, r.stage): r for r in batch.recipes}
    recipes |= {result.item: result.recipe for result in items if result.recipe is not None}
    methods = {method.digest: method for method in batch.recipe_methods}
    methods |= {result.method.digest: result.method for result in items if result.method is not None}
    return replace(batch, recipes=tuple(recipes.values()), recipe_methods=tuple(methods.values()))


def _run(
    project: Project, publisher: ResultPublisher, observers: Sequence[Observer], wanted: Collection[Item]
) -> Summary:
    """Run the engine over the claimed videos; what fails without being recorded (a crash, a full disk) runs once more,
    so that an item that kills its worker twice is recorded as put aside."""
    publisher.start()
    videos = list(publisher.tokens)
    try:
        summary = _run_once(project, videos, publisher, observers)
        publisher.is_last_try = True
        if (
            not summary.interrupted
            and not publisher.has_stopped()
            and any(o.result == "failed" and not o.recorded for o in summary.outcomes)
        ):
            summary = _run_once(project, videos, publisher, observers)
        entries: dict[str, Any] = project.state.read_memos(PREFIX)
    finally:
        project.close()
        publisher.close()
    # Items that wait for one over the whole data set are the coordinator's to place later.
    summary = replace(summary, outcomes=tuple(o for o in summary.outcomes if o.item in wanted))
    for number, video in enumerate(name for name in videos if name in entries and name not in publisher.refused):
        name = f"{publisher.holder}-{number:06d}"
        documents = PatientDocuments(publisher.exchange.documents, publisher.retry_s)
        write_entry(documents, publisher.batch, name, video, entries[video])
    return summary


def _run_once(
    project: Project, videos: Sequence[str], publisher: ResultPublisher, observers: Sequence[Observer]
) -> Summary:
    return run_stale_items(
        project, videos, observers=[publisher, *observers], record=False, stopped=publisher.has_stopped
    )
