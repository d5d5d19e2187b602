"""Swapping models: answers finish, failures go back, nobody waits for nothing."""

from __future__ import annotations

import asyncio
import signal

from galosh.supervisor.request import TextPiece
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


@in_loop
async def test_the_running_answer_finishes_before_the_swap(house: House) -> None:
    house.manners("alpha", words=["w"] * 30, word_after=0.005)
    async with house.open() as supervisor:
        events = supervisor.generate(ask("x", "alpha"))
        await first_text(events)
        swap = asyncio.create_task(supervisor.want("beta"))
        rest = [event async for event in events]
        assert sum(isinstance(event, TextPiece) for event in rest) == 29
        loaded = await swap
        assert loaded is not None
        assert loaded.model_id == "beta"
        assert await answer(supervisor, "y") == "echo: y"
        assert len(workers()) == 1


@in_loop
async def test_a_swap_that_cannot_wait_ends_the_answer(house: House) -> None:
    house.manners("alpha", words=["w"] * 10_000, word_after=0.005)
    async with house.open() as supervisor:
        task = asyncio.create_task(failure(answer(supervisor, "x", "alpha")))
        with supervisor.events.subscribe() as view:
            await heard(view, "generation.started")
        await supervisor.want("beta", cancel_running=True)
        assert (await task).code == "supervisor-answer-ended"


@in_loop
async def test_a_failed_swap_brings_the_old_model_back(house: House) -> None:
    house.manners("beta", die=signal.SIGSEGV)
    async with house.open() as supervisor:
        await supervisor.want("alpha")
        with supervisor.events.subscribe() as view:
            error = await failure(supervisor.want("beta"))
            failed = await heard(view, "model.failed")
            ready = await heard(view, "model.ready")
        assert error.code == "supervisor-worker-died"
        assert (failed.facts["model_id"], failed.facts["restored"]) == ("beta", "alpha")
        assert ready.facts["model_id"] == "alpha"
        assert supervisor.status()["wanted"] == "alpha"
        assert await answer(supervisor, "x") == "echo: x"
    async with house.open() as supervisor:
        assert supervisor.wanted.model_id == "alpha"


@in_loop
async def test_a_failed_choice_goes_back_even_when_nothing_was_loaded(house: House) -> None:
    house.manners("beta", load_failed="worker-out-of-memory")
    async with house.open() as supervisor:
        await supervisor.want("alpha")
        await supervisor.unload()
        await failure(supervisor.want("beta"))
        assert supervisor.status()["wanted"] == "alpha"
        assert await answer(supervisor, "x") == "echo: x"
        assert supervisor.status()["model"] == "alpha"


@in_loop
async def test_questions_for_two_models_are_answered_by_the_right_one(house: House) -> None:
    house.manners("alpha", words=["A"])
    house.manners("beta", words=["B"])
    house.manners("start", hello_after=0.1)
    async with house.open() as supervisor:
        waiting = []
        for name in ("alpha", "beta", "beta", "alpha"):
            waiting.append(supervisor.generate(ask("x", name, announce_queue=True)))
            await anext(waiting[-1])  # it is in line now
        texts = [await text_of(events) for events in waiting]
        assert texts == ["A ", "B ", "B ", "A "]
        assert house.launches in (2, 3)  # the one that goes may still be there to ask


@in_loop
async def test_a_new_context_loads_the_same_model_anew(house: House) -> None:
    async with house.open() as supervisor:
        await supervisor.want("alpha", context_tokens=300)
        await supervisor.want("alpha")
        assert house.launches == 1
        loaded = await supervisor.want("alpha", context_tokens=400)
        assert loaded is not None
        assert (loaded.context_tokens, house.launches) == (400, 2)


@in_loop
async def test_the_last_wish_wins(house: House) -> None:
    house.manners("alpha", load_after=0.1)
    async with house.open() as supervisor:
        await asyncio.gather(supervisor.want("alpha"), supervisor.want("beta"))
        status = supervisor.status()
        assert (status["model"], status["wanted"]) == ("beta", "beta")


@in_loop
async def test_a_load_nobody_waits_for_gives_way(house: House) -> None:
    house.manners("alpha", load_after=30)
    async with house.open() as supervisor:
        task = asyncio.create_task(supervisor.ready("alpha"))
        with supervisor.events.subscribe() as view:
            await heard(view, "model.progress")
        task.cancel()
        assert (await events_of(supervisor, ask("x", "beta")))[-1].model_id == "beta"  # type: ignore[union-attr]


@in_loop
async def test_unload_in_the_middle_of_a_load(house: House) -> None:
    house.manners("alpha", load_after=30)
    async with house.open() as supervisor:
        task = asyncio.create_task(supervisor.ready("alpha"))
        with supervisor.events.subscribe() as view:
            await heard(view, "model.progress")
        task.cancel()
        await supervisor.unload()
        assert workers() == []
