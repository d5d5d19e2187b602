"""The event bus: numbered, remembered, and never waiting for a watcher."""

from __future__ import annotations

from galosh.base.clock import SystemClock
from galosh.supervisor.bus import DROPPED, BusEvent, EventBus, Subscription
from tests.supervisor.kit import in_loop


class FrozenClock(SystemClock):
    """A wall clock that stands."""

    def wall_seconds(self) -> float:
        return 1_800_000_000.5


async def read(view: Subscription) -> list[BusEvent]:
    """Everything that waits; the view must be closed."""
    view.close()
    return [event async for event in view]


@in_loop
async def test_events_are_numbered_and_dated() -> None:
    bus = EventBus(FrozenClock())
    view = bus.subscribe()
    bus.publish("a", x=1)
    bus.publish("b")
    first, second = await read(view)
    assert first == BusEvent(1_800_000_000_001, "a", 1_800_000_000.5, {"x": 1})
    assert second.number == first.number + 1
    assert first.to_json()["facts"] == {"x": 1}


@in_loop
async def test_a_watcher_that_comes_back_misses_nothing() -> None:
    bus = EventBus(FrozenClock(), history=3)
    numbers = [bus.publish(name).number for name in "abcde"]
    assert [e.name for e in await read(bus.subscribe(after=numbers[2]))] == ["d", "e"]
    assert [e.name for e in await read(bus.subscribe(after=0))] == ["c", "d", "e"]
    assert await read(bus.subscribe()) == []


@in_loop
async def test_a_watcher_that_does_not_read_is_cut_off_and_told() -> None:
    bus = EventBus(FrozenClock(), history=2, queue=4)
    slow, quick = bus.subscribe(), bus.subscribe()
    last = 0
    for name in "abcdefgh":
        last = bus.publish(name).number
        await anext(quick)
    assert bus.watchers == 1
    (marker,) = [event async for event in slow]
    assert marker.name == DROPPED
    # Coming back with the marker's number goes on right after what was lost.
    assert marker.number == last - 4
    quick.close()
    assert bus.watchers == 0


@in_loop
async def test_closing_the_bus_ends_every_view() -> None:
    bus = EventBus(FrozenClock())
    view = bus.subscribe()
    bus.publish("last")
    bus.close()
    assert [event.name async for event in view] == ["last"]
