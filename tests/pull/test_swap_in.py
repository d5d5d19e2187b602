"""A recommended model takes over when it is there and works; else nothing changes.

The real supervisor with fake workers, the real queue, a real hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from galosh.base.clock import SystemClock
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.supervisor import BusEvent, Supervisor
from galosh.supervisor.bus import Subscription
from galosh.supervisor.download_entry import Wish
from galosh.supervisor.downloads import Downloads
from tests.fakes.faults import RateLimit
from tests.fakes.hub import FaultHub
from tests.pull.kit import model_bytes
from tests.supervisor.kit import House, answer, in_loop

SOURCE = "hf:me/better-GGUF:Q4_K_M"
MODEL = "better-q4-k-m"


@pytest.fixture
def house(paths: Paths) -> House:
    return House(paths)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FaultHub]:
    with FaultHub() as hub:
        hub.add_repo("me/better-GGUF", {"better-Q4_K_M.gguf": model_bytes(tmp_path)})
        yield hub


def queue_of(house: House, supervisor: Supervisor) -> Downloads:
    async def change(name: str, value: str) -> None:
        settings = Settings.load(house.paths.settings_file).change(name, value)
        supervisor.apply(settings)
        queue.apply(settings)

    settings = Settings.load(house.paths.settings_file)
    queue = Downloads(house.paths, settings, SystemClock(), supervisor, supervisor.store, change)
    return queue


def wish(hub: FaultHub, replaces: str | None = "alpha") -> Wish:
    environ = {"HF_ENDPOINT": hub.url}
    return Wish(SOURCE, environ=environ, recommended=True, replaces=replaces)


async def next_of(view: Subscription, *names: str) -> BusEvent:
    async for event in view:
        if event.name in names:
            return event
    raise AssertionError(names)


def default(house: House) -> str:
    return Settings.load(house.paths.settings_file).text("model.default")


@in_loop
async def test_it_is_tried_and_becomes_the_default(house: House, hub: FaultHub) -> None:
    async with house.open() as supervisor:
        await supervisor.want("alpha")
        queue = queue_of(house, supervisor)
        await queue.start()
        with supervisor.events.subscribe() as view:
            await queue.add(wish(hub))
            event = await next_of(view, "model.swapped_in", "model.not_swapped_in")
        assert event.name == "model.swapped_in", event.facts
        assert event.facts["model"] == MODEL
        assert "answers from now on" in str(event.facts["text"])
        assert supervisor.status()["model"] == MODEL
        assert default(house) == MODEL
        assert await answer(supervisor, "hello") == "echo: hello"
        await queue.stop()
        again = queue_of(house, supervisor)
        await again.start()
        swapped = again.summary()["swapped_in"]
        assert isinstance(swapped, dict)
        assert swapped["model"] == MODEL
        assert [one["state"] for one in await again.views()] == []
        await again.stop()


@in_loop
async def test_a_model_that_does_not_load_changes_nothing(house: House, hub: FaultHub) -> None:
    house.manners("better-Q4_K_M", load_failed="worker-model-unsupported")
    async with house.open() as supervisor:
        await supervisor.want("alpha")
        queue = queue_of(house, supervisor)
        await queue.start()
        with supervisor.events.subscribe() as view:
            await queue.add(wish(hub))
            event = await next_of(view, "model.swapped_in", "model.not_swapped_in")
        assert event.name == "model.not_swapped_in"
        assert default(house) == ""
        assert await answer(supervisor, "hello") == "echo: hello"
        assert supervisor.status()["model"] == "alpha"
        await queue.stop()


@in_loop
async def test_a_model_that_says_nothing_changes_nothing(house: House, hub: FaultHub) -> None:
    house.manners("better-Q4_K_M", words=[" "])
    async with house.open() as supervisor:
        await supervisor.want("alpha")
        queue = queue_of(house, supervisor)
        await queue.start()
        with supervisor.events.subscribe() as view:
            await queue.add(wish(hub))
            event = await next_of(view, "model.swapped_in", "model.not_swapped_in")
        assert event.facts["error"]["code"] == "supervisor-swap-silent"  # type: ignore[index]
        assert default(house) == ""
        assert supervisor.status()["wanted"] == "alpha"
        await queue.stop()


@in_loop
async def test_a_choice_made_meanwhile_stands(house: House, hub: FaultHub) -> None:
    async with house.open() as supervisor:
        await supervisor.want("beta")
        queue = queue_of(house, supervisor)
        await queue.start()
        with supervisor.events.subscribe() as view:
            await queue.add(wish(hub))
            added = await next_of(view, "model.added")
            event = await next_of(view, "model.swapped_in", "model.not_swapped_in")
        assert added.facts["model"]["id"] == MODEL  # type: ignore[index]
        assert event.facts["error"]["code"] == "supervisor-swap-unwanted"  # type: ignore[index]
        assert supervisor.status()["wanted"] == "beta"
        await queue.stop()


@in_loop
async def test_stopped_before_the_trial_it_is_tried_at_the_next_start(
    house: House, hub: FaultHub
) -> None:
    house.manners("better-Q4_K_M", load_after=30)
    async with house.open() as supervisor:
        await supervisor.want("alpha")
        queue = queue_of(house, supervisor)
        await queue.start()
        with supervisor.events.subscribe() as view:
            await queue.add(wish(hub))
            await next_of(view, "download.done")
            await asyncio.sleep(0.2)
        await queue.stop()
    house.manners("better-Q4_K_M")
    async with house.open() as supervisor:
        queue = queue_of(house, supervisor)
        with supervisor.events.subscribe() as view:
            await queue.start()
            event = await next_of(view, "model.swapped_in", "model.not_swapped_in")
        assert event.name == "model.swapped_in", event.facts
        assert hub.bytes_sent("/cdn/") < 1_000_000
        await queue.stop()


@in_loop
async def test_on_battery_it_waits_where_the_user_wants_that(
    house: House, hub: FaultHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = SimpleNamespace(power_plugged=False)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: state, raising=False)
    monkeypatch.setattr("galosh.supervisor.download_power._LOOK_SECONDS", 0.02)
    settings = Settings.load(house.paths.settings_file)
    settings.change("download.on_battery", "pause")
    hub.total = RateLimit(200_000)
    async with house.open() as supervisor:
        queue = queue_of(house, supervisor)
        await queue.start()
        with supervisor.events.subscribe() as view:
            await queue.add(Wish(SOURCE, environ={"HF_ENDPOINT": hub.url}))
            event = await next_of(view, "download.waiting")
            assert event.facts["state"] == "waiting-power"
            state.power_plugged = True
            await next_of(view, "download.done")
        assert supervisor.store.get(MODEL)
        await queue.stop()


@in_loop
async def test_on_a_metered_line_it_waits_where_the_user_wants_that(
    house: House, hub: FaultHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = {"metered": True}
    monkeypatch.setattr("galosh.supervisor.download_power.is_metered", lambda: line["metered"])
    monkeypatch.setattr("galosh.supervisor.download_power._LOOK_SECONDS", 0.02)
    Settings.load(house.paths.settings_file).change("download.on_metered", "pause")
    hub.total = RateLimit(200_000)
    async with house.open() as supervisor:
        queue = queue_of(house, supervisor)
        await queue.start()
        with supervisor.events.subscribe() as view:
            await queue.add(Wish(SOURCE, environ={"HF_ENDPOINT": hub.url}))
            event = await next_of(view, "download.waiting")
            assert event.facts["state"] == "waiting-metered"
            line["metered"] = False
            await next_of(view, "download.done")
        await queue.stop()
