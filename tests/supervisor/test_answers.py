"""Answers over a worker that behaves: loading on demand, waiting, cancelling, unloading."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from galosh.base.errors import GaloshError
from galosh.supervisor import Done, Started
from galosh.supervisor.request import Event, Priority, Queued
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
async def test_a_question_loads_the_model_and_is_answered(house: House) -> None:
    async with house.open() as supervisor:
        assert supervisor.status()["state"] == "no-model"
        events = await events_of(supervisor, ask("one two", "alpha"))
        assert events[0] == Started("alpha", 3, 0)
        assert events[-1] == Done("alpha", "stop", 3, 3, 0, 0.5, 0.25)
        status = supervisor.status()
        assert status["state"] == "ready"
        assert status["model"] == status["wanted"] == "alpha"
        assert status["tokens_per_second"] == 12.0
        assert status["prompt_tokens_per_second"] == 6.0
        assert status["engine_build_id"] == "fake-1"
        assert status["worker_pid"] in workers()
        assert isinstance(status["worker_memory_bytes"], int)
        assert await answer(supervisor, "again") == "echo: again"
        assert house.launches == 1


@in_loop
async def test_messages_and_options_reach_the_worker(house: House) -> None:
    from galosh.supervisor import GenerationRequest

    request = GenerationRequest(
        messages=({"role": "user", "content": "hi"},),
        sampling={"seed": 7},
        stop=("x",),
        options={"reuse": False},
    )
    assert request.frame("r1") == {
        "type": "generate", "id": "r1", "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": None, "stop": ["x"], "sampling": {"seed": 7}, "reuse": False,
    }  # fmt: skip
    with pytest.raises(ValueError, match="either"):
        GenerationRequest()


@in_loop
async def test_ready_tells_what_stands(house: House) -> None:
    async with house.open() as supervisor:
        loaded = await supervisor.ready("beta")
        assert (loaded.model_id, loaded.context_tokens) == ("beta", 512)
        assert loaded.template is True
        assert (await supervisor.ready()).model_id == "beta"


@in_loop
async def test_unknown_models_are_refused_before_anything_starts(house: House) -> None:
    async with house.open() as supervisor:
        error = await failure(supervisor.want("../../etc/passwd"))
        assert error.code == "store-model-unknown"
        assert "alpha" in str(error)
        assert (await failure(answer(supervisor, "x", "nope"))).code == "store-model-unknown"
        assert house.launches == 0
        assert supervisor.wanted.model_id is None


@in_loop
async def test_a_broken_model_is_refused_with_its_problem(house: House) -> None:
    whole = house.model("gamma")
    whole.write_bytes(whole.read_bytes()[:500])
    async with house.open() as supervisor:
        error = await failure(supervisor.ready("gamma"))
        assert error.code == "supervisor-model-broken"
        assert house.launches == 0


@in_loop
async def test_no_model_at_all(house: House) -> None:
    for file in house.paths.models.iterdir():
        file.unlink()
    async with house.open() as supervisor:
        assert (await failure(supervisor.ready())).code == "supervisor-no-model"


@in_loop
async def test_questions_wait_in_order_one_at_a_time(house: House) -> None:
    house.manners("start", hello_after=0.1)
    order: list[int] = []

    async with house.open() as supervisor:

        async def read(events: AsyncIterator[Event], number: int) -> None:
            await text_of(events)
            order.append(number)

        tasks = []
        for number in range(4):
            events = supervisor.generate(ask("x", "alpha", announce_queue=True))
            assert await anext(events) == Queued(number)
            tasks.append(asyncio.create_task(read(events, number)))
        await asyncio.gather(*tasks)
    assert order == [0, 1, 2, 3]


@in_loop
async def test_the_line_has_a_limit_and_places(house: House) -> None:
    house.manners("alpha", words=["w"] * 1000, word_after=0.01)
    async with house.open(waiting=2) as supervisor:
        running = supervisor.generate(ask("long", "alpha"))
        async with aclosing(running):
            await first_text(running)
            waiting = [
                supervisor.generate(ask("a", announce_queue=True)),
                supervisor.generate(ask("b", announce_queue=True)),
            ]
            firsts = [await anext(events) for events in waiting]
            assert firsts == [Queued(0, running=1), Queued(1, running=1)]
            error = await failure(answer(supervisor, "c"))
            assert (error.code, error.http_status) == ("supervisor-queue-full", 429)
            quick = supervisor.generate(
                ask("quick", priority=Priority.INTERACTIVE, announce_queue=True)
            )
            # One who leaves makes room, and the one behind moves up.
            await waiting[0].aclose()
            assert await anext(waiting[1]) == Queued(0, running=1)
            assert await anext(quick) == Queued(0, running=1)
            assert await anext(waiting[1]) == Queued(1, running=1)
            assert supervisor.status()["queue_length"] == 2
            for events in (waiting[1], quick):
                await events.aclose()


@in_loop
async def test_who_waits_too_long_in_line_hears_why_and_who_is_served_is_let_be(
    house: House,
) -> None:
    house.manners("alpha", words=["w"] * 300, word_after=0.01)
    async with house.open(line_seconds=1.0) as supervisor:
        served = supervisor.generate(ask("long", "alpha"))
        async with aclosing(served):
            await first_text(served)
            error = await failure(answer(supervisor, "late"))
            assert (error.code, error.http_status) == ("supervisor-waited-too-long", 503)
            assert error.facts == {"waited_seconds": 1.0, "before": 0}
            assert supervisor.status()["queue_length"] == 0
            events = [event async for event in served]
        assert isinstance(events[-1], Done)


@in_loop
async def test_closing_cancels_at_once_and_the_next_answer_is_clean(house: House) -> None:
    house.manners("alpha", words=["old"] * 10_000, word_after=0.005)
    async with house.open() as supervisor:
        with supervisor.events.subscribe() as view:
            events = supervisor.generate(ask("x", "alpha"))
            await first_text(events)
            loop = asyncio.get_running_loop()
            begun = loop.time()
            await events.aclose()
            finished = await heard(view, "generation.finished")
            assert loop.time() - begun < 0.2
            assert finished.facts["finish_reason"] == "cancelled"
        house.manners("alpha")
        await supervisor.unload()
        assert await answer(supervisor, "new") == "echo: new"


@in_loop
async def test_a_cancelled_task_cancels_its_answer(house: House) -> None:
    house.manners("alpha", words=["old"] * 10_000, word_after=0.005)
    async with house.open() as supervisor:
        await supervisor.ready("alpha")
        with supervisor.events.subscribe() as view:
            task = asyncio.create_task(answer(supervisor, "x"))
            await heard(view, "generation.started")
            task.cancel()
            assert (await heard(view, "generation.finished")).facts["finish_reason"] == "cancelled"
        assert house.launches == 1


@in_loop
async def test_late_words_of_another_answer_are_dropped(house: House) -> None:
    house.manners("alpha", late=["r0", "r99"])
    async with house.open() as supervisor:
        assert await answer(supervisor, "fresh", "alpha") == "echo: fresh"


@in_loop
async def test_a_reader_too_far_behind_loses_only_its_own_answer(house: House) -> None:
    house.manners("alpha", words=["w"] * 2000)
    async with house.open(unread_events=50) as supervisor:
        with supervisor.events.subscribe() as view:
            events = supervisor.generate(ask("x", "alpha"))
            await anext(events)
            await heard(view, "generation.finished")
            error = await failure(first_rest(events))
        assert error.code == "supervisor-reader-slow"
        assert supervisor.status()["state"] == "ready"


async def first_rest(events: object) -> None:
    async for _ in events:  # type: ignore[attr-defined]
        pass


@in_loop
async def test_a_request_no_frame_can_hold(house: House) -> None:
    async with house.open() as supervisor:
        bad = ask("x", "alpha", sampling={"temperature": float("nan")})
        error = await failure(events_of(supervisor, bad))
        assert (error.code, error.http_status) == ("supervisor-request-unsendable", 400)
        assert await answer(supervisor, "next") == "echo: next"


@in_loop
async def test_an_error_the_worker_states_reaches_the_caller(house: House) -> None:
    house.manners("alpha", error=["store-no-room", {"needed_bytes": 2, "free_bytes": 1}])
    async with house.open() as supervisor:
        error = await failure(answer(supervisor, "x", "alpha"))
        assert error.facts["needed_bytes"] == 2
        assert supervisor.status()["state"] == "ready"


@in_loop
async def test_tokens_are_counted_in_turn(house: House) -> None:
    async with house.open() as supervisor:
        assert await supervisor.count_tokens("one two three", "alpha") == 3
        assert await supervisor.tokenize("one three") == (3, 5)


@in_loop
async def test_vectors_and_the_text_of_tokens(house: House) -> None:
    async with house.open() as supervisor:
        found = await supervisor.embed(["one two", "three"], "alpha")
        assert [struct.unpack("<2f", vector)[1] for vector in found.vectors] == [2.0, 1.0]
        assert (found.tokens, found.model_id) == (3, "alpha")
        assert await supervisor.detokenize([1, 3]) == "x xxx"


@pytest.mark.parametrize("vectors", ["x", [7], ["no base64!"], ["AAA="], [""]])
@in_loop
async def test_a_worker_that_lies_about_vectors_is_ended(house: House, vectors: object) -> None:
    house.manners("alpha", vectors=vectors)
    async with house.open() as supervisor:
        with pytest.raises(GaloshError) as caught:
            await supervisor.embed(["one"], "alpha")
        assert caught.value.code.startswith("supervisor-")


@in_loop
async def test_unload_gives_back_and_the_model_stays_wanted(house: House) -> None:
    async with house.open() as supervisor:
        await supervisor.ready("beta")
        await supervisor.unload()
        status = supervisor.status()
        assert (status["state"], status["model"], status["wanted"]) == ("no-model", None, "beta")
        assert workers() == []
        await supervisor.unload()
        assert await answer(supervisor, "x") == "echo: x"
        assert supervisor.status()["model"] == "beta"


@in_loop
async def test_an_idle_model_is_unloaded(house: House) -> None:
    house.paths.settings_file.write_text(
        "[engine]\nthreads = 2\n[model]\nidle_unload_seconds = 0.1\n"
    )
    async with house.open() as supervisor:
        with supervisor.events.subscribe() as view:
            await supervisor.ready("alpha")
            await heard(view, "model.unloaded")
        assert supervisor.status()["state"] == "no-model"
        assert await answer(supervisor, "x") == "echo: x"


@in_loop
async def test_the_wanted_model_survives_a_restart_and_loads_on_demand(house: House) -> None:
    async with house.open() as supervisor:
        await supervisor.want("beta", context_tokens=300)
    async with house.open() as supervisor:
        status = supervisor.status()
        assert (status["wanted"], status["state"]) == ("beta", "no-model")
        assert (await supervisor.ready()).context_tokens == 300
        await supervisor.want(None)
    async with house.open() as supervisor:
        assert supervisor.status()["wanted"] is None


@in_loop
async def test_a_removed_wanted_model_gives_way_to_the_default(house: House) -> None:
    async with house.open() as supervisor:
        await supervisor.want("beta")
        assert (await failure(supervisor.remove_model("beta"))).code == "store-model-in-use"
        await supervisor.unload()
        await supervisor.remove_model("beta")
        assert (await supervisor.ready()).model_id == "alpha"


@in_loop
async def test_stopping_ends_everything_with_a_reason(house: House) -> None:
    house.manners("alpha", words=["w"] * 10_000, word_after=0.005)
    async with house.open() as supervisor:
        running = supervisor.generate(ask("x", "alpha"))
        await first_text(running)
        waiting = supervisor.generate(ask("y", announce_queue=True))
        await anext(waiting)
        await supervisor.stop()
        assert (await failure(first_rest(waiting))).code == "supervisor-stopping"
        assert (await failure(first_rest(running))).code == "supervisor-stopping"
        # Whoever comes later is told so too, and does not wait for ever.
        assert (await failure(supervisor.ready("alpha"))).code == "supervisor-stopping"
        assert (await failure(answer(supervisor, "z"))).code == "supervisor-stopping"
        await supervisor.stop()


@in_loop
async def test_stopping_in_the_middle_of_a_start(house: House) -> None:
    house.manners("start", hello_after=30)
    async with house.open() as supervisor:
        with supervisor.events.subscribe() as view:
            task = asyncio.create_task(failure(supervisor.ready("alpha")))
            await heard(view, "model.loading")
        await supervisor.stop()
        assert (await task).code == "supervisor-stopping"
