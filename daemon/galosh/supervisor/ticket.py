"""A demand that waits or is served, and the stream its answer comes out of.

A stream has one writer (the owner) and one reader, in one event loop. It never makes the
writer wait: one whose reader is too far behind says so, and the owner ends that answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from galosh.base.errors import GaloshError
from galosh.store import StoredModel
from galosh.supervisor.request import LoadedModel, Notice
from galosh.supervisor.schedule import Demand, Kind

Item = TypeVar("Item")


class Stream(Generic[Item]):
    """Items, then an end: clean, or with an error. Read it with `async for`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        self._news = asyncio.Event()
        self._error: GaloshError | None = None
        self.ended = False

    def put(self, item: Item) -> bool:
        """Add an item; False when the reader is too far behind. After the end: ignored."""
        if self.ended:
            return True
        if len(self._items) >= self._limit:
            return False
        self._items.append(item)
        self._news.set()
        return True

    def end(self, error: GaloshError | None = None) -> None:
        """Nothing more comes; only the first end counts. What waits is still read first."""
        if not self.ended:
            self.ended = True
            self._error = error
            self._news.set()

    @property
    def error(self) -> GaloshError | None:
        """What it ended with; None for a clean end or none yet."""
        return self._error

    def __aiter__(self) -> Stream[Item]:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            if self.ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()


@dataclass
class Ticket:
    """One demand with all that is needed to serve it.

        frame: makes the worker's frame from the model
    and a request id (questions only). stream: where replies
        go. future: what a wish for a model or for unloading resolves to. named: the asker named the
    model, so no other may answer instead.
    """

    demand: Demand
    model: StoredModel | None
    stream: Stream[object] | None = None
    frame: Callable[[StoredModel, str], Mapping[str, object]] | None = None
    future: asyncio.Future[LoadedModel | None] | None = None
    announce: bool = False
    announced_place: int | None = None
    begun: bool = False  # the worker reads it, and its reader knows
    wrote: bool = False  # its reader has words of the answer
    sent_times: int = 0
    abandoned: bool = False
    named: bool = True
    stands_in: bool = False  # its model is not the one that was meant
    override_memory: bool = False
    anew: bool = False  # the model counts only as loaded by today's wish (another context)

    def tell(self, notice: Notice) -> None:
        """Let the asker know, if there is a way; nobody is cut off for not reading it."""
        if self.stream is not None and self.demand.kind is Kind.ANSWER:
            self.stream.put(notice)

    def fail(self, error: GaloshError) -> None:
        """It ends here, with a stated reason."""
        if self.stream is not None:
            self.stream.end(error)
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)
            # The waiter may have gone; an unread error must not turn into a log line.
            self.future.exception()

    def fulfil(self, result: LoadedModel | None) -> None:
        """A wish came true."""
        if self.future is not None and not self.future.done():
            self.future.set_result(result)
