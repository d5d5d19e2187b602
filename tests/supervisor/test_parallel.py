"""Several answers at a time: the worker's places are filled, the rest wait in order."""

from __future__ import annotations

import asyncio
import signal
from contextlib import aclosing

from galosh.supervisor.request import Priority, Queued
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
)


@in_loop
async def test_as_many_as_there_are_places_are_answered_at_once(house: House) -> None:
    house.manners("alpha", sequences=3, words=["w"] * 1000, word_after=0.01)
    async with house.open() as supervisor:
        running = [supervisor.generate(ask("x", "alpha")) for _ in range(3)]
        for events in running:
            assert await first_text(events) == "w "
        status = supervisor.status()
        assert (status["answers_now"], status["answers_at_a_time"]) == (3, 3)
        fourth = supervisor.generate(ask("y", "alpha", announce_queue=True))
        assert await anext(fourth) == Queued(0, running=3)
        await running[1].aclose()
        assert await first_text(fourth) == "w "  # it got the place that came free
        for events in (*running, fourth):
            await events.aclose()


@in_loop
async def test_the_limit_counts_those_who_wait_not_those_who_are_answered(house: House) -> None:
    house.manners("alpha", sequences=2, words=["w"] * 1000, word_after=0.01)
    async with house.open(waiting=1) as supervisor:
        running = [supervisor.generate(ask("x", "alpha")) for _ in range(2)]
        for events in running:
            await first_text(events)
        waiting = supervisor.generate(ask("a", announce_queue=True))
        assert await anext(waiting) == Queued(0, running=2)
        assert (await failure(answer(supervisor, "b"))).code == "supervisor-queue-full"
        for events in (*running, waiting):
            await events.aclose()


@in_loop
async def test_the_quick_prompt_gets_the_next_place_and_its_priority_is_told(house: House) -> None:
    house.manners("alpha", sequences=2, words=["w"] * 40, word_after=0.005)
    order: list[str] = []
    async with house.open() as supervisor:
        running = [supervisor.generate(ask("x", "alpha")) for _ in range(2)]
        for events in running:
            await first_text(events)

        async def wait(name: str, priority: Priority) -> None:
            events = supervisor.generate(ask(name, "alpha", priority=priority))
            await first_text(events)
            order.append(name)
            await text_of(events)

        slow = asyncio.create_task(wait("background", Priority.BACKGROUND))
        await asyncio.sleep(0)
        quick = asyncio.create_task(wait("quick", Priority.INTERACTIVE))
        await asyncio.gather(slow, quick, *(text_of(events) for events in running))
    assert order == ["quick", "background"]
    sent = [f for f in house.frames() if f["type"] == "generate"]
    assert [frame["priority"] for frame in sent] == [1, 1, 2, 0]


@in_loop
async def test_one_that_falls_silent_is_told_so_and_the_unread_ones_are_asked_again(
    house: House,
) -> None:
    house.manners("alpha", sequences=2, words=["a"], silent_after=1)
    async with house.open(silence_seconds=0.5, prefill_seconds_per_token=0) as supervisor:
        with supervisor.events.subscribe() as view:
            first = supervisor.generate(ask("x", "alpha"))
            await first_text(first)
            house.manners("alpha", sequences=2)
            error = await failure(text_of(first))
            died = await heard(view, "worker.died")
        assert error.code == "supervisor-worker-silent"
        assert died.facts["cause"] == "silent"
        assert await answer(supervisor, "next") == "echo: next"


@in_loop
async def test_a_death_ends_every_begun_answer_with_the_same_reason(house: House) -> None:
    house.manners("alpha", sequences=3, words=["a"] * 30, word_after=0.01)
    async with house.open() as supervisor:
        running = [supervisor.generate(ask("x", "alpha")) for _ in range(3)]
        for events in running:
            await first_text(events)
        pid = supervisor.status()["worker_pid"]
        house.manners("alpha", sequences=3)
        import psutil

        psutil.Process(int(str(pid))).send_signal(signal.SIGKILL)
        codes = {(await failure(text_of(events))).code for events in running}
        assert codes == {"supervisor-worker-killed"}
        assert await answer(supervisor, "next") == "echo: next"


@in_loop
async def test_a_swap_waits_for_all_and_nobody_overtakes_it(house: House) -> None:
    house.manners("alpha", sequences=2, words=["w"] * 20, word_after=0.01)
    async with house.open() as supervisor:
        running = [supervisor.generate(ask("x", "alpha")) for _ in range(2)]
        for events in running:
            await first_text(events)
        swap = asyncio.create_task(supervisor.want("beta"))
        await asyncio.sleep(0.02)
        late = asyncio.create_task(events_of(supervisor, ask("late", "alpha")))
        assert [await text_of(events) for events in running] == ["w " * 19] * 2
        assert (await swap) is not None
        assert (await late)[-1].model_id == "alpha"  # type: ignore[union-attr]
        assert house.launches == 3


@in_loop
async def test_counting_does_not_wait_for_the_answers_under_way(house: House) -> None:
    house.manners("alpha", sequences=2, words=["w"] * 1000, word_after=0.01)
    async with house.open() as supervisor:
        running = supervisor.generate(ask("x", "alpha"))
        async with aclosing(running):
            await first_text(running)
            assert await supervisor.count_tokens("one two") == 2
