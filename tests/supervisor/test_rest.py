"""Giving memory back: by idle time, under pressure, when the user says so; and waking."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from galosh.supervisor import Done, Supervisor
from galosh.supervisor.idle import GRACE_SECONDS, Patience, Stage, next_look_seconds, wanted_stage
from galosh.supervisor.pressure import Level, Signs, level_of
from galosh.supervisor.request import Notice
from tests.supervisor.kit import (
    House,
    answer,
    ask,
    events_of,
    failure,
    first_text,
    heard,
    in_loop,
    text_of,
    workers,
)

GIB = 1 << 30
PATIENCE = Patience(rest_seconds=100, unload_seconds=1800)


@pytest.mark.parametrize(
    ("level", "idle", "stage", "look"),
    [
        (Level.NONE, 0, Stage.AWAKE, 100),
        (Level.NONE, 100, Stage.BUFFERS, 400),
        (Level.NONE, 500, Stage.MODEL, 1300),
        (Level.NONE, 1800, Stage.GONE, None),
        (Level.SOME, 0, Stage.BUFFERS, 10),
        (Level.SOME, 10, Stage.MODEL, 1790),
        (Level.HARD, 0, Stage.GONE, None),
    ],
)
def test_the_stages(level: Level, idle: float, stage: Stage, look: float | None) -> None:
    assert wanted_stage(level, idle, PATIENCE) is stage
    assert next_look_seconds(level, idle, PATIENCE) == look


def test_zero_means_never() -> None:
    never = Patience(0, 0)
    assert wanted_stage(Level.NONE, 1e9, never) is Stage.AWAKE
    assert next_look_seconds(Level.NONE, 5, never) is None
    assert wanted_stage(Level.HARD, 0, never) is Stage.GONE


@pytest.mark.parametrize(
    ("signs", "level"),
    [
        (Signs(4 * GIB, 8 * GIB), Level.NONE),
        (Signs(4 * GIB, 8 * GIB, some=True), Level.NONE),  # some container's own limit
        (Signs(4 * GIB, 8 * GIB, full=True), Level.NONE),
        (Signs(3 * GIB // 2, 8 * GIB, some=True), Level.SOME),
        (Signs(3 * GIB // 2, 8 * GIB, full=True), Level.SOME),
        (Signs(1 * GIB, 8 * GIB, full=True), Level.HARD),
        (Signs(GIB // 2, 8 * GIB), Level.SOME),
        (Signs(GIB // 8, 8 * GIB), Level.HARD),
        (Signs(GIB // 4, GIB // 2), Level.NONE),  # a small container is not always under pressure
        (Signs(None, None), Level.NONE),
        (Signs(None, 8 * GIB, full=True), Level.SOME),
    ],
)
def test_the_levels(signs: Signs, level: Level) -> None:
    assert level_of(signs) is level


def idle_settings(house: House, rest: float, unload: float) -> None:
    house.paths.settings_file.write_text(
        f"[engine]\nthreads = 2\n[model]\nidle_rest_seconds = {rest}\n"
        f"idle_unload_seconds = {unload}\n"
    )


@in_loop
async def test_an_idle_model_rests_step_by_step_and_wakes(house: House) -> None:
    idle_settings(house, 0.1, 0)
    async with house.open() as supervisor:
        with supervisor.events.subscribe() as view:
            await supervisor.ready("alpha")
            assert (await heard(view, "model.rested")).facts["stage"] == "buffers"
            assert (await heard(view, "model.rested")).facts["stage"] == "model"
        assert (supervisor.status()["stage"], supervisor.status()["state"]) == ("model", "ready")
        idle_settings(house, 0, 0)
        events = await events_of(supervisor, ask("x"))
        assert events[0] == Notice("supervisor.notice-waking")
        assert isinstance(events[-1], Done)
        assert house.launches == 1
        assert supervisor.status()["stage"] == "awake"


@in_loop
async def test_some_pressure_takes_an_idle_models_buffers_at_once(house: House) -> None:
    async with house.open() as supervisor:
        await supervisor.ready("alpha")
        with supervisor.events.subscribe() as view:
            house.pressure.say(GIB, some=True)
            assert (await heard(view, "memory.pressure")).facts["level"] == "some"
            assert (await heard(view, "model.rested")).facts["stage"] == "buffers"
        assert supervisor.status()["memory_pressure"] == "some"
        assert await text_of(supervisor.generate(ask("x"))) == "echo: x "


@in_loop
async def test_hard_pressure_ends_an_idle_worker_at_once_and_nobody_watches_then(
    house: House,
) -> None:
    async with house.open() as supervisor:
        assert not house.pressure.is_open
        await supervisor.ready("alpha")
        assert house.pressure.is_open
        with supervisor.events.subscribe() as view:
            house.pressure.say(GIB // 8)
            await heard(view, "model.unloaded")
        await settled(supervisor)
        assert workers() == []
        assert not house.pressure.is_open
        assert house.frames()[-1] == {"type": "exit", "save": True}
        # It does not come back by itself, only with the next question.
        await asyncio.sleep(0.05)
        assert house.launches == 1
        assert await answer(supervisor, "x") == "echo: x"


@in_loop
async def test_a_short_answer_may_end_under_hard_pressure(house: House) -> None:
    house.manners("alpha", words=["w"] * 10, word_after=GRACE_SECONDS / 50)
    async with house.open() as supervisor:
        events = supervisor.generate(ask("x", "alpha"))
        await first_text(events)
        with supervisor.events.subscribe() as view:
            house.pressure.say(GIB // 8)
            assert await text_of(events) == "w " * 9
            await heard(view, "model.unloaded")


@in_loop
async def test_a_long_answer_is_ended_under_hard_pressure_and_its_words_are_kept(
    house: House,
) -> None:
    """Over the quarter second: the grace itself."""
    house.manners("alpha", words=["w"] * 10_000, word_after=0.01)
    async with house.open() as supervisor:
        events = supervisor.generate(ask("x", "alpha"))
        assert await first_text(events) == "w "
        loop = asyncio.get_running_loop()
        with supervisor.events.subscribe() as view:
            begun = loop.time()
            house.pressure.say(GIB // 8)
            error = await failure(text_of(events))
            await heard(view, "model.unloaded")
        assert error.code == "supervisor-memory-pressure"
        assert loop.time() - begun < 2.0


@in_loop
async def test_a_worker_that_never_says_that_it_rested_is_ended(house: House) -> None:
    house.manners("alpha", rest=False)
    async with house.open(rest_seconds=0.2) as supervisor:
        await supervisor.ready("alpha")
        with supervisor.events.subscribe() as view:
            house.pressure.say(GIB, some=True)
            assert (await heard(view, "worker.died")).facts["cause"] == "silent"
        # It was resting: nobody asked for it to come back.
        await asyncio.sleep(0.05)
        assert house.launches == 1
        house.manners("alpha")
        assert await answer(supervisor, "x") == "echo: x"


@in_loop
async def test_a_question_in_the_middle_of_resting_waits_for_it(house: House) -> None:
    house.manners("alpha", rest_after=0.2)
    async with house.open() as supervisor:
        await supervisor.ready("alpha")
        house.pressure.say(GIB, some=True)
        await settled(supervisor)
        assert supervisor.status()["state"] == "resting"
        assert await text_of(supervisor.generate(ask("x"))) == "echo: x "


@in_loop
async def test_under_pressure_a_resting_model_asks_for_room_before_it_comes_back(
    house: House,
) -> None:
    async with house.open() as supervisor:
        await supervisor.ready("alpha")
        owner = supervisor._ruling()
        with supervisor.events.subscribe() as view:
            owner.post(lambda: owner.slot.rest(Stage.MODEL))
            await heard(view, "model.rested")
        house.pressure.say(GIB, some=True)
        await settled(supervisor)
        house.available_bytes = 1 << 20
        error = await failure(answer(supervisor, "x", "alpha"))
        assert error.code == "supervisor-no-room"
        house.available_bytes = 8 * GIB
        assert await answer(supervisor, "x", "alpha") == "echo: x"


@in_loop
async def test_pause_holds_no_memory_until_told_otherwise(house: House) -> None:
    house.manners("alpha", words=["w"] * 10_000, word_after=0.01)
    async with house.open() as supervisor:
        events = supervisor.generate(ask("x", "alpha"))
        async with aclosing(events):
            await first_text(events)
            await supervisor.pause()
            assert (await failure(text_of(events))).code == "supervisor-paused"
        assert workers() == []
        assert (await failure(answer(supervisor, "y"))).code == "supervisor-paused"
    async with house.open() as supervisor:
        assert supervisor.status()["paused"] is True
        assert (await failure(answer(supervisor, "y"))).code == "supervisor-paused"
        await supervisor.resume()
        house.manners("alpha")
        assert await answer(supervisor, "y") == "echo: y"
    async with house.open() as supervisor:
        assert supervisor.status()["paused"] is False


async def settled(supervisor: Supervisor) -> None:
    """Until the owner has handled what was posted."""
    done = asyncio.Event()
    supervisor._ruling().post(done.set)
    await done.wait()
