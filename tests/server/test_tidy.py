"""Memory goes back after heavy work, and never while words are on their way."""

from __future__ import annotations

import asyncio

import pytest

from galosh.base.clock import SystemClock
from galosh.server import tidy
from galosh.supervisor.bus import EventBus


def test_memory_is_given_back_a_little_after_heavy_work_and_not_beside_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer's words waited 30 to 90 ms for it, in the first second after every load."""
    monkeypatch.setattr(tidy, "_AFTER_SECONDS", 0.01)
    given: list[bool] = []
    answering = True
    monkeypatch.setattr(tidy, "give_back", lambda: given.append(answering))

    async def live() -> None:
        nonlocal answering
        bus = EventBus(SystemClock())
        tidying = tidy.Tidying(bus, lambda: answering)
        bus.publish("settings.changed")
        await asyncio.sleep(0.05)
        bus.publish("model.ready")
        await asyncio.sleep(0.1)
        answering = False
        await asyncio.sleep(0.1)
        tidying.close()

    asyncio.run(live())
    assert given == [False]
