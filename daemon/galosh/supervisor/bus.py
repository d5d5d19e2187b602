"""The event bus: numbered facts for whoever watches (tray, page, CLI).

Owns the recent history, so that a watcher that comes back can go on where it stopped. Never
waits for a watcher: one that does not read is cut off with a last event that says so. Never
carries words of a prompt or an answer. Lives in one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from galosh.base.clock import Clock

DROPPED = "stream.dropped"


@dataclass(frozen=True)
class BusEvent:
    """One fact. Numbers rise, across restarts of the daemon too."""

    number: int
    name: str
    at_seconds: float
    facts: dict[str, object]

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {
            "number": self.number,
            "name": self.name,
            "at_seconds": self.at_seconds,
            "facts": self.facts,
        }


class Subscription:
    """One watcher's view: iterate it, and `close` it (or use it as a context)."""

    def __init__(self, bus: EventBus, limit: int) -> None:
        self._bus = bus
        self._limit = limit
        self._waiting: deque[BusEvent] = deque()
        self._arrived = asyncio.Event()
        self._closed = False

    def offer(self, event: BusEvent) -> None:
        """Take one more event; a full view is emptied and ended with DROPPED."""
        if self._closed:
            return
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            event = BusEvent(event.number - 1, DROPPED, event.at_seconds, {})
            self.close()
        self._waiting.append(event)
        self._arrived.set()

    def close(self) -> None:
        """Watch no longer; what has arrived can still be read."""
        self._closed = True
        self._bus.forget(self)
        self._arrived.set()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[BusEvent]:
        return self

    async def __anext__(self) -> BusEvent:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


class EventBus:
    """Publishes to every subscription and remembers the last events."""

    def __init__(self, clock: Clock, *, history: int = 256, queue: int = 256) -> None:
        self._clock = clock
        self._queue = queue
        # Room for a thousand events per second of a daemon's life keeps numbers rising
        # from one daemon to the next without storing any.
        self._number = int(clock.wall_seconds()) * 1000
        self._forgotten = self._number  # the last event that is not in the history
        self._history: deque[BusEvent] = deque(maxlen=history)
        self._subscriptions: list[Subscription] = []
        self._calls: list[Callable[[BusEvent], None]] = []

    def publish(self, name: str, **facts: object) -> BusEvent:
        """Tell everybody; never blocks."""
        event = self._make(name, facts)
        if len(self._history) == self._history.maxlen:
            self._forgotten = self._history[0].number
        self._history.append(event)
        for call in self._calls:
            call(event)
        return self._offer(event)

    def call(self, call: Callable[[BusEvent], None]) -> None:
        """Call this for every event but flashes, at once and for good; it must not block."""
        self._calls.append(call)

    def flash(self, name: str, **facts: object) -> BusEvent:
        """Tell everybody who watches now, and remember nothing: for progress."""
        return self._offer(self._make(name, facts))

    def _make(self, name: str, facts: dict[str, object]) -> BusEvent:
        self._number += 1
        return BusEvent(self._number, name, self._clock.wall_seconds(), facts)

    def _offer(self, event: BusEvent) -> BusEvent:
        for subscription in tuple(self._subscriptions):
            subscription.offer(event)
        return event

    def subscribe(self, after: int | None = None) -> Subscription:
        """A new view: from now on, or everything remembered after the event `after`."""
        subscription = Subscription(self, max(self._queue, len(self._history) + 1))
        if after is not None:
            for event in self._history:
                if event.number > after:
                    subscription.offer(event)
        self._subscriptions.append(subscription)
        return subscription

    def remembers(self, after: int) -> bool:
        """Whether everything that was published after the event `after` is still known."""
        return self._forgotten <= after <= self._number

    def forget(self, subscription: Subscription) -> None:
        """Publish to it no more."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def close(self) -> None:
        """End every view."""
        for subscription in tuple(self._subscriptions):
            subscription.close()

    @property
    def watchers(self) -> int:
        """How many views are open."""
        return len(self._subscriptions)
