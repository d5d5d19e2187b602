"""How many threads a worker is told to use, as power source and settings change."""

from __future__ import annotations

import pytest

from galosh.base.settings import Settings, Value
from galosh.supervisor.thread_count import ThreadCount
from tests.supervisor.kit import House, ask, events_of, in_loop


class Pc:
    """A PC with a battery, and a clock that is turned by hand."""

    def __init__(self, threads: int = 8) -> None:
        self.threads = threads
        self.on_battery = False
        self.looks = 0
        self.seconds = 0.0

    def count(self) -> ThreadCount:
        """The count of its threads."""
        return ThreadCount(self, lambda: self.threads, self.battery)

    def battery(self) -> bool:
        """Whether it runs on battery."""
        self.looks += 1
        return self.on_battery

    def monotonic_seconds(self) -> float:
        """See Clock."""
        return self.seconds

    def wall_seconds(self) -> float:
        """See Clock."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """See Clock."""


def settings(house: House, **values: Value) -> Settings:
    """Settings of the engine alone."""
    named = {f"engine.{name}": value for name, value in values.items()}
    return Settings(house.paths.settings_file, named)


@pytest.mark.parametrize(
    ("threads", "values", "on_mains", "on_battery"),
    [
        (8, {}, 8, 4),
        (5, {}, 5, 3),
        (1, {}, 1, 1),
        (8, {"on_battery": "full"}, 8, 8),
        (8, {"threads": 6}, 6, 6),
    ],
)
@in_loop
async def test_what_is_used(
    house: House, threads: int, values: dict[str, Value], on_mains: int, on_battery: int
) -> None:
    pc = Pc(threads)
    wishes = settings(house, **values)
    count = pc.count()
    assert await count.look(wishes)
    assert count.value == on_mains
    pc.on_battery = True
    pc.seconds += 31
    assert await count.look(wishes) == (on_battery != on_mains)
    assert count.value == on_battery


@in_loop
async def test_it_looks_again_only_when_the_last_look_is_old(house: House) -> None:
    pc = Pc()
    count = pc.count()
    for second in (0.0, 10.0, 29.0, 31.0, 32.0):
        pc.seconds = second
        await count.look(settings(house))
    assert pc.looks == 2


@in_loop
async def test_a_loaded_model_follows_the_power_source(house: House) -> None:
    house.paths.settings_file.unlink()
    pc = Pc()
    house.threads = pc.count()

    def told() -> list[tuple[str, int]]:
        names = {"load": "threads", "threads": "count"}
        return [(f["type"], f[names[f["type"]]]) for f in house.frames() if f["type"] in names]

    async with house.open() as supervisor:
        await events_of(supervisor, ask("one", "alpha"))
        assert (told(), supervisor.status()["threads"]) == ([("load", 8)], 8)
        pc.on_battery = True
        await events_of(supervisor, ask("two", "alpha"))
        assert told() == [("load", 8)], "the last look was a moment ago"
        pc.seconds += 31
        await events_of(supervisor, ask("three", "alpha"))
        assert (told(), supervisor.status()["threads"]) == ([("load", 8), ("threads", 4)], 4)
        pc.on_battery = False
        pc.seconds += 31
        await events_of(supervisor, ask("four", "alpha"))
        assert told()[1:] == [("threads", 4), ("threads", 8)]
        assert house.launches == 1


@in_loop
async def test_a_number_that_was_set_reaches_a_loaded_model(house: House) -> None:
    async with house.open() as supervisor:
        await events_of(supervisor, ask("one", "alpha"))
        supervisor.apply(settings(house, threads=3))
        await events_of(supervisor, ask("two", "alpha"))
        assert [f["count"] for f in house.frames() if f["type"] == "threads"] == [3]
        assert house.launches == 1
