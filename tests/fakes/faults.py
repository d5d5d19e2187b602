"""What can be wrong with a server: one `Fault` per misbehaviour, chosen per request.

Owns the description of faults, the choice which one a request meets, rate limits and the
request log. Never touches a socket: `bodies.py` carries the faults out.

- Every field of `Fault` is JSON-able, so a plan can be sent to a server in another process.
- A fault applies to the requests its pattern, `methods`, `skip`, `times` and `resume_only`
  select; the first fault that applies wins, in the order they were added.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import threading
import time
from collections.abc import Mapping
from typing import Any

_CREDIT_SECONDS = 0.05


@dataclasses.dataclass
class Fault:
    """One misbehaviour. Byte counts are of the body; offsets are those of the whole file.

    cut_after_bytes: the reply ends (connection closed) after so many bytes.
    cut_every_bytes: the same, counted over all replies of one connection.
    reset: such an end is a TCP reset instead of a close.
    hang_after_bytes: after so many bytes nothing more comes; the connection stays open.
    drip_bytes_per_second: the body's speed. delay_seconds: wait before the headers.
    ignore_range: 200 with the whole file to a ranged request. ignore_if_range: answers 206
        although the validator no longer holds.
    start_shift: the 206 says and sends a start moved by so many bytes.
    silent_shift: the 206 says the right start and sends bytes from another place.
    claimed_total: the total in Content-Range. length_delta: added to Content-Length.
    no_length: neither length nor chunks, the end of the connection is the end of the body.
    chunked: chunked transfer; with a cut the last chunk is missing.
    gzip: the body comes compressed though nobody asked.
    flip_at: offset of the file whose lowest bit is inverted; `times` then counts how often
        that byte has gone out, not requests. flips: how often so far.
    status, headers, body: this reply instead of the file.
    hide_headers: headers a mirror leaves out.
    """

    cut_after_bytes: int | None = None
    cut_every_bytes: int | None = None
    reset: bool = False
    hang_after_bytes: int | None = None
    drip_bytes_per_second: float | None = None
    delay_seconds: float = 0.0
    ignore_range: bool = False
    ignore_if_range: bool = False
    start_shift: int = 0
    silent_shift: int = 0
    claimed_total: int | None = None
    length_delta: int = 0
    no_length: bool = False
    chunked: bool = False
    gzip: bool = False
    flip_at: int | None = None
    status: int | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    body: str = ""
    hide_headers: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET",)
    skip: int = 0
    times: int | None = None
    resume_only: bool = False
    flips: int = dataclasses.field(default=0, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Only the fields that differ from an honest server."""
        honest = dataclasses.asdict(Fault())
        return {k: v for k, v in dataclasses.asdict(self).items() if v != honest[k]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """The fault `to_json` described."""
        fields = dict(data)
        for name in ("hide_headers", "methods"):
            if name in fields:
                fields[name] = tuple(fields[name])
        return cls(**fields)


@dataclasses.dataclass
class Request:
    """One request as the server saw it, for assertions. Times are monotonic seconds."""

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]  # names in lower case
    connection: int
    started_seconds: float
    status: int = 0
    bytes_sent: int = 0

    @property
    def range(self) -> tuple[int, int | None] | None:
        """(start, last byte or None) of a `Range: bytes=a-b` header."""
        text = self.headers.get("range", "")
        if not text.startswith("bytes="):
            return None
        first, _, last = text[len("bytes=") :].partition("-")
        if not first:
            return None
        return int(first), int(last) if last else None


class FaultPlan:
    """The faults in force, by path pattern (fnmatch on the path without the query)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[str, Fault, list[int]]] = []

    def add(self, pattern: str, *faults: Fault) -> None:
        """Put faults in force for the paths that match."""
        with self._lock:
            # Copies: a fault counts what it did, and a caller may use its own again.
            own = (dataclasses.replace(fault, flips=0) for fault in faults)
            self._rules.extend((pattern, fault, [0]) for fault in own)

    def clear(self) -> None:
        """Heal everything."""
        with self._lock:
            self._rules.clear()

    def choose(self, request: Request) -> Fault:
        """The fault this request meets; an honest `Fault()` if none applies."""
        with self._lock:
            for pattern, fault, seen in self._rules:
                if self._applies(pattern, fault, request):
                    if fault.flip_at is not None and fault.times is not None:
                        if fault.flips < fault.times:
                            return fault
                        continue
                    seen[0] += 1
                    if fault.skip < seen[0] and (
                        fault.times is None or seen[0] <= fault.skip + fault.times
                    ):
                        return fault
        return Fault()

    @staticmethod
    def _applies(pattern: str, fault: Fault, request: Request) -> bool:
        if request.method not in fault.methods or not fnmatch.fnmatch(request.path, pattern):
            return False
        return not fault.resume_only or (request.range or (0, None))[0] > 0


class RateLimit:
    """A shared speed: `take` says by waiting when the next bytes may be sent."""

    def __init__(self, bytes_per_second: float) -> None:
        self.bytes_per_second = bytes_per_second
        self._lock = threading.Lock()
        self._free_at = 0.0

    @property
    def block_bytes(self) -> int:
        """A block small enough to make the speed even, large enough to be cheap."""
        return max(1, min(256 * 1024, int(self.bytes_per_second / 40)))

    def take(self, size_bytes: int, stop: threading.Event) -> None:
        """Wait until `size_bytes` more may go, or `stop` is set."""
        with self._lock:
            # A little credit, or every late wake-up of this thread would lower the speed.
            start = max(time.monotonic() - _CREDIT_SECONDS, self._free_at)
            self._free_at = start + size_bytes / self.bytes_per_second
            until = self._free_at
        stop.wait(max(0.0, until - time.monotonic()))
