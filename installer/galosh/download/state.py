"""The states of a download, its progress and the names of its waits. Pure.

A state is never stored as a word that could lie: it follows from which files exist, from
who holds the lock and from the journal's last records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from galosh.base.errors import GaloshError


class State(Enum):
    """Where a download stands."""

    NEW = "new"
    RESOLVING = "resolving"
    RESERVING = "reserving"
    FETCHING = "fetching"
    WAITING_NETWORK = "waiting-network"
    WAITING_RATE = "waiting-rate"
    WAITING_DISK = "waiting-disk"
    PAUSED = "paused"
    NEEDS_USER = "needs-user"
    VERIFYING = "verifying"
    REPAIRING = "repairing"
    SEALING = "sealing"
    DONE = "done"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"

    @property
    def number(self) -> int:
        """The state's number in a journal's STATE record."""
        return _NUMBERED.index(self)

    @property
    def is_waiting(self) -> bool:
        """True if something must change outside before bytes move again."""
        return self in (State.WAITING_NETWORK, State.WAITING_RATE, State.WAITING_DISK)


# The order is part of the journal's format: append only.
_NUMBERED = tuple(State)

# Causes of waiting, by their number in a STATE record: append only.
CAUSES = (
    "",
    "download-no-network",
    "download-host-unreachable",
    "download-link-stalled",
    "download-sign-in",
    "download-server-down",
    "download-rate-held",
    "download-disk-full",
    "download-tls-untrusted",
    "download-link-cut",
    "download-renewal-refused",
    "download-source-wrong",
    "download-slept",
    "download-proxy-unreachable",
    "download-redirects",
    "download-page-instead",
    "download-disk-small",
)

_WAITS = {
    "download-rate-held": State.WAITING_RATE,
    "download-disk-full": State.WAITING_DISK,
    "download-disk-small": State.WAITING_DISK,
}


def state_named(number: int) -> State:
    """The state of a STATE record; FETCHING for a number from a newer version."""
    return _NUMBERED[number] if 0 <= number < len(_NUMBERED) else State.FETCHING


@dataclass(frozen=True)
class Wait:
    """What a download waits for: an error code with its facts, and when it tries again."""

    cause: str
    next_try_seconds: float
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """The state that this cause means."""
        return _WAITS.get(self.cause, State.WAITING_NETWORK)

    def error(self) -> GaloshError:
        """The cause as sentences for the user."""
        return GaloshError(self.cause, next_try_seconds=self.next_try_seconds, **self.facts)


@dataclass(frozen=True)
class Progress:
    """One look at a download. Sizes in bytes, speed in bytes per second.

    kept_bytes: bytes that a restart will not fetch again (complete chunks).
    received_bytes: all that came over the network in this run; refetched_bytes: the share
      of it that had been fetched before.
    resumable False: the server ignores Range, so a cut starts the transfer over.
    """

    state: State
    kept_bytes: int
    size_bytes: int | None
    speed_bytes_per_second: float = 0.0
    eta_seconds: float | None = None
    connections: int = 0
    waiting: Wait | None = None
    received_bytes: int = 0
    refetched_bytes: int = 0
    verified_bytes: int = 0
    resumable: bool = True
    follows: bool = False
    notice: str | None = None

    def to_json(self) -> dict[str, object]:
        """JSON form for `--json` and the event stream."""
        wait = self.waiting
        return {
            "state": self.state.value,
            "kept_bytes": self.kept_bytes,
            "size_bytes": self.size_bytes,
            "speed_bytes_per_second": round(self.speed_bytes_per_second),
            "eta_seconds": None if self.eta_seconds is None else round(self.eta_seconds, 1),
            "connections": self.connections,
            "waiting": None
            if wait is None
            else {**wait.error().to_json(), "next_try_seconds": wait.next_try_seconds},
            "received_bytes": self.received_bytes,
            "refetched_bytes": self.refetched_bytes,
            "verified_bytes": self.verified_bytes,
            "resumable": self.resumable,
            "follows": self.follows,
            "notice": self.notice,
        }


@dataclass(frozen=True)
class DownloadStatus:
    """One download as its files tell it, running or not. target: where it will lie."""

    key: str
    file_name: str | None
    origin: str | None
    target: str | None
    size_bytes: int | None
    kept_bytes: int
    state: State
    running: bool
    error: GaloshError | None = None

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "key": self.key,
            "file_name": self.file_name,
            "origin": self.origin,
            "target": self.target,
            "size_bytes": self.size_bytes,
            "kept_bytes": self.kept_bytes,
            "state": self.state.value,
            "running": self.running,
            "error": None if self.error is None else self.error.to_json(),
        }


@dataclass(frozen=True)
class Evidence:
    """What the files of a download's folder show."""

    has_plan: bool
    held: bool  # somebody holds the lock
    paused: bool
    quarantined: bool
    problem: bool
    all_chunks: bool
    last_state: State | None = None


def derive_state(seen: Evidence) -> State:
    """The state that the files prove."""
    if seen.held:
        # Only a living writer's own words are believed about what it does just now.
        return seen.last_state or State.FETCHING
    if seen.quarantined:
        return State.QUARANTINED
    if seen.problem or not seen.has_plan:
        return State.NEEDS_USER if seen.problem else State.NEW
    if seen.paused:
        return State.PAUSED
    return State.VERIFYING if seen.all_chunks else State.NEW
