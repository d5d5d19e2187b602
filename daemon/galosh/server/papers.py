"""The user's sheets and talks behind the routes: beside the event loop, and told to watchers.

Rules: what happened is told without a word of the text; sheets that nobody has touched for
ten minutes are not kept in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from galosh.base.clock import Clock
from galosh.base.paths import Paths
from galosh.store.chats import Chats
from galosh.store.sheets import Sheets
from galosh.supervisor.bus import EventBus

_OPEN_SECONDS = 600.0

Found = TypeVar("Found")


class Papers:
    """See the module. Lives in the event loop's thread."""

    def __init__(self, paths: Paths, clock: Clock, events: EventBus) -> None:
        self._sheets = Sheets(paths.notebooks, clock)
        self._chats = Chats(paths.chats, clock)
        self._events = events
        self._closing: asyncio.TimerHandle | None = None

    async def sheets(self, work: Callable[[Sheets], Found]) -> Found:
        """Do something with the sheets; raises what that raises."""
        if self._closing is not None:
            self._closing.cancel()
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(_OPEN_SECONDS, self._sheets.close)
        return await _to_its_end(lambda: work(self._sheets))

    async def chats(self, work: Callable[[Chats], Found]) -> Found:
        """Do something with the talks; raises what that raises."""
        return await _to_its_end(lambda: work(self._chats))

    def tell_sheet(self, sheet_id: str, version: int | None) -> None:
        """Let watchers know; version None: it is gone."""
        facts = {"removed": True} if version is None else {"version": version}
        self._events.publish("notebook.changed", id=sheet_id, **facts)

    def tell_chat(self, chat_id: str, version: int | None) -> None:
        """Let watchers know; version None: it is gone."""
        facts = {"removed": True} if version is None else {"version": version}
        self._events.publish("chat.changed", id=chat_id, **facts)


async def _to_its_end(work: Callable[[], Found]) -> Found:
    """A change that has begun is finished, and known to be, though its client has gone."""
    return await asyncio.shield(asyncio.to_thread(work))
