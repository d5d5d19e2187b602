"""The sessions of the notebook page, and the codes of the links that begin one.

Rules: a code works once, for a minute, and is kept in memory only; a session is on disk as a
seal over both of its halves and the token (`gate.seal`), so the file opens nothing, restarts
keep it and another token ends it; one that nobody used for thirty days is forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from galosh.base import durable
from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.server.gate import seal

LINK_SECONDS = 60.0
SESSION_SECONDS = 30 * 86_400.0
_SIZE_BYTES = 32
_LINKS, _SESSIONS = 16, 32  # more than a person opens; the oldest make room
_WRITE_AFTER_SECONDS = 3600.0  # how stale "last used" may be on disk

_log = logging.getLogger("galosh.server")


@dataclass(frozen=True)
class Halves:
    """What the page gets: the value of its cookie, and its key."""

    cookie: str
    key: str


class Sessions:
    """See the module. Lives in the event loop's thread; only writing happens beside it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._links: dict[str, float] = {}  # digest of a code -> when it ends (monotonic)
        self._used_at = _read(path)  # seal -> when it was last used (wall clock)
        self._written_at = dict(self._used_at)
        self._writing = asyncio.Lock()
        self._later: asyncio.Task[None] | None = None

    def known(self) -> Collection[str]:
        """The seals that count now."""
        now = self._clock.wall_seconds()
        old = [one for one, used in self._used_at.items() if now - used > SESSION_SECONDS]
        for one in old:
            del self._used_at[one]
        return self._used_at.keys()

    def use(self, session: str) -> None:
        """A request of this session passed the gate."""
        now = self._clock.wall_seconds()
        self._used_at[session] = now
        stale = now - self._written_at.get(session, 0.0) > _WRITE_AFTER_SECONDS
        if stale and (self._later is None or self._later.done()):
            self._later = asyncio.ensure_future(self._write_quietly())

    def make_link(self) -> str:
        """A fresh code; the caller puts it into the link's fragment."""
        self._drop_old_links()
        while len(self._links) >= _LINKS:
            del self._links[next(iter(self._links))]
        code = secrets.token_urlsafe(_SIZE_BYTES)
        self._links[_digest(code)] = self._clock.monotonic_seconds() + LINK_SECONDS
        return code

    def end_links(self) -> int:
        """Make every code that was not used worthless; returns how many there were."""
        self._drop_old_links()
        count = len(self._links)
        self._links.clear()
        return count

    def spend(self, code: str) -> None:
        """Use a code up. Raises GaloshError `server-link-spent`."""
        self._drop_old_links()
        shown = _digest(code)
        found = [known for known in self._links if hmac.compare_digest(shown, known)]
        if not found:
            raise GaloshError("server-link-spent", limit_seconds=LINK_SECONDS)
        del self._links[found[0]]

    async def add(self, token: str) -> Halves:
        """A fresh session. With a full disk it lasts until galosh stops: the page is where the
        user's texts can be read."""
        halves = Halves(secrets.token_urlsafe(_SIZE_BYTES), secrets.token_urlsafe(_SIZE_BYTES))
        while len(self._used_at) >= _SESSIONS:
            del self._used_at[min(self._used_at, key=lambda one: self._used_at[one])]
        self._used_at[seal(token, halves.cookie, halves.key)] = self._clock.wall_seconds()
        await self._write_quietly()
        return halves

    async def end(self, session: str) -> None:
        """This session counts no more. Raises a write error."""
        self._used_at.pop(session, None)
        await self._write()

    async def end_all(self) -> None:
        """No session and no link counts any more. Raises a write error."""
        self._used_at.clear()
        self._links.clear()
        await self._write()

    def _drop_old_links(self) -> None:
        now = self._clock.monotonic_seconds()
        self._links = {digest: ends for digest, ends in self._links.items() if ends > now}

    async def _write_quietly(self) -> None:
        with contextlib.suppress(
            GaloshError
        ):  # what is lost is a session, and that can be had anew
            await self._write()

    async def _write(self) -> None:
        async with self._writing:
            self._written_at = dict(self._used_at)
            told = {"version": 1, "sessions": self._written_at}
            await asyncio.to_thread(durable.write_json, self._path, told, mode=0o600)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "backslashreplace")).hexdigest()


def _read(path: Path) -> dict[str, float]:
    """The seals on disk; what is damaged is forgotten."""
    data = durable.read_json(path)
    found = data.get("sessions") if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {
        str(one): float(used)
        for one, used in found.items()
        if isinstance(used, (int, float)) and not isinstance(used, bool)
    }
