"""Claims: which agent computes a video, held by a heartbeat, so that two agents do not compute the same one.

The n-th claim of a video is the document `claims/<token>/<n>`, created by a conditional put, which succeeds for one
agent only. It names its holder, who rewrites `beats/<holder>` every BEAT_S seconds, and writes `<n>.end` when the video
is done. Another agent may create claim n + 1 once n has ended, or once the holder's beat has not changed for LEASE_S
seconds by the other's own clock: no clocks are compared. A holder that was suspended for longer finds a higher number
than its own, and discards its work.

Prefect's concurrency limits with leases were the alternative; they free nothing while the server is down, and know
nothing of a second server (docs/decisions/0016-agents.md).
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from flows.agents.beat_watch import BeatWatch
from flows.agents.document_store import DocumentStore, check_name
from flows.engine.dvc_store.remote import NoAnswer
from tasks.errors import SemflowError

log = logging.getLogger("semflow")
FOLDER, BEATS = "claims", "beats"
STOPPED = b"stopped"
"""Content of a beat whose holder has ended: its claims are void at once."""
BEAT_S = 10.0
"""Seconds between two beats of a holder."""
LEASE_S = 40.0
"""Seconds without a beat after which a claim is void: with the time between two looks, within a minute of a death."""


@dataclass(frozen=True)
class Claim:
    """One held claim."""

    token: str
    number: int
    holder: str
    """Who holds it: the name of a heartbeat."""

    @property
    def name(self) -> str:
        """Name of its document."""
        return f"{FOLDER}/{self.token}/{self.number}"


@dataclass(frozen=True)
class ClaimResult:
    """The claims that were taken, and those that others hold."""

    taken: Mapping[str, Claim]
    """Token to claim."""
    held: Mapping[str, str]
    """Token to the agent that holds it."""


def make_token(relative: str, md5: str) -> str:
    """The token of a video: its path below data/raw and the MD5 of its file."""
    return hashlib.sha256(f"{md5} {relative}".encode()).hexdigest()[:40]


def make_holder(agent: str) -> str:
    """A name for a heartbeat that no other has."""
    return hashlib.sha256(f"{agent} {time.time_ns()} {secrets.token_hex(8)}".encode()).hexdigest()[:40]


@dataclass(frozen=True)
class ClaimTaker:
    """Takes claims for one holder."""

    documents: DocumentStore
    agent: str
    holder: str
    lease_s: float = LEASE_S
    pause_s: float = BEAT_S / 2
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def take_claims(self, tokens: Sequence[str]) -> ClaimResult:
        """Claim the videos `tokens`; waits up to `lease_s` seconds where a claim may be void.

        A claim whose holder's beat changes while it is watched is left to that holder.
        """
        taken: dict[str, Claim] = {}
        held: dict[str, str] = {}
        watched: dict[str, tuple[int, BeatWatch]] = {}
        waiting = list(dict.fromkeys(tokens))
        while waiting:
            for token in list(waiting):
                claim, number = self._try_claim(token)
                if claim is None:
                    agent, holder = read_holder(self.documents, token, number)
                    beat = self.documents.read_document(f"{BEATS}/{holder}")
                    first, watch = watched.setdefault(token, (number, BeatWatch(self.lease_s)))
                    watch.look(beat, self.clock())
                    if beat == STOPPED or (number == first and watch.is_silent):
                        claim = self._create(token, number + 1)
                    elif number != first or watch.has_changed:
                        held[token] = agent
                if claim is not None:
                    taken[token] = claim
                if token in taken or token in held:
                    waiting.remove(token)
            if waiting:
                self.sleep(self.pause_s)
        return ClaimResult(taken, held)

    def _try_claim(self, token: str) -> tuple[Claim | None, int]:
        """The claim, if the video is free, else the number of the last claim."""
        while True:
            names = {name.rpartition("/")[2] for name in self.documents.list_documents(f"{FOLDER}/{token}")}
            number = max((int(name) for name in names if name.isdecimal()), default=0)
            if number and f"{number}.end" not in names:
                return None, number
            claim = self._create(token, number + 1)
            if claim is not None:
                return claim, number + 1

    def _create(self, token: str, number: int) -> Claim | None:
        claim = Claim(token, number, self.holder)
        data = json.dumps({"agent": self.agent, "holder": self.holder}).encode()
        return claim if self.documents.create_document(claim.name, data) else None


def read_holder(documents: DocumentStore, token: str, number: int) -> tuple[str, str]:
    """The agent that made a claim, and the name of its heartbeat; unknown ones where the claim cannot be read."""
    try:
        fields = json.loads(documents.read_document(f"{FOLDER}/{token}/{number}") or b"{}")
        return str(fields["agent"]), check_name(str(fields["holder"]))
    except NoAnswer:
        raise
    except (ValueError, KeyError, TypeError, SemflowError):
        return "another agent", "unknown"


def find_last_number(documents: DocumentStore, token: str) -> int:
    """The number of a video's last claim; 0 where it was never claimed."""
    names = [name.rpartition("/")[2] for name in documents.list_documents(f"{FOLDER}/{token}")]
    return max((int(name) for name in names if name.isdecimal()), default=0)


@dataclass
class Heartbeat:
    """Rewrites a holder's beat in a thread, within the context."""

    documents: DocumentStore
    holder: str
    beat_s: float = BEAT_S
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._write(b"0")
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=self.beat_s)
        self._write(STOPPED)

    def _run(self) -> None:
        count = 0
        while not self._stop.wait(self.beat_s):
            count += 1
            self._write(str(count).encode())

    def _write(self, content: bytes) -> None:
        try:
            self.documents.write_document(f"{BEATS}/{self.holder}", content)
        except Exception as error:  # the next beat tries again; the lease decides
            log.debug("the beat of %s: %s", self.holder, error)


@dataclass
class HeldClaims:
    """The claims that an agent holds, by token."""

    documents: DocumentStore
    claims: dict[str, Claim]
    lost: dict[str, str] = field(default_factory=dict[str, str])
    """Token of a claim that another agent has taken over, to that agent."""

    def is_held(self, token: str) -> bool:
        """Whether the claim is still ours; asks the store."""
        claim = self.claims.get(token)
        if claim is None or token in self.lost:
            return False
        number = find_last_number(self.documents, token)
        agent, holder = read_holder(self.documents, token, number)
        if (number, holder) == (claim.number, claim.holder):
            return True
        self.lost[token] = agent
        return False

    def end_claims(self) -> None:
        """Release all claims that were not lost."""
        for token, claim in self.claims.items():
            if token not in self.lost:
                try:
                    self.documents.write_document(f"{claim.name}.end", b"")
                except Exception as error:  # the beat's end, or the lease, frees it
                    log.debug("%s: %s", claim.name, error)
