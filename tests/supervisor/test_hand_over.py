"""A successor beside the model in use: no outage, never two where there is room for one."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.supervisor.kit import (
    House,
    answer,
    ask,
    failure,
    first_text,
    heard,
    in_loop,
    text_of,
    workers,
)


@pytest.fixture
def wide(house: House) -> House:
    """A PC with room for two models."""
    house.beside = True
    return house


@in_loop
async def test_the_old_model_answers_until_the_new_one_was_tried(wide: House) -> None:
    wide.manners("alpha", words=["A"] * 60, word_after=0.01)
    wide.manners("beta", load_after=0.2, words=["B"])
    async with wide.open() as supervisor:
        await supervisor.want("alpha")
        with supervisor.events.subscribe() as view:
            swap = asyncio.create_task(supervisor.want("beta"))
            await heard(view, "model.progress")
        assert supervisor.status()["coming"] == "beta"
        assert len(workers()) == 2
        # Asked for by name, the old one still answers at once.
        running = supervisor.generate(ask("x", "alpha"))
        assert await first_text(running) == "A "
        loaded = await swap
        assert loaded is not None
        assert loaded.model_id == "beta"
        assert supervisor.status()["model"] == "beta"
        assert await answer(supervisor, "y") == "B"
        assert await text_of(running) == "A " * 59  # to its end, beside the new one
        await gone_to(1)
        tried = [f for f in wide.frames() if f["type"] == "generate" and f["max_tokens"] == 2]
        assert len(tried) == 1


@in_loop
async def test_a_successor_that_dies_costs_nothing(wide: House) -> None:
    wide.manners("beta", die=signal.SIGSEGV)
    async with wide.open() as supervisor:
        await supervisor.want("alpha")
        pid = supervisor.status()["worker_pid"]
        error = await failure(supervisor.want("beta"))
        assert error.code == "supervisor-worker-died"
        status = supervisor.status()
        assert (status["model"], status["wanted"]) == ("alpha", "alpha")
        assert status["worker_pid"] == pid
        assert await answer(supervisor, "x") == "echo: x"


@in_loop
async def test_a_successor_that_loads_but_cannot_answer_does_not_take_over(wide: House) -> None:
    wide.manners("beta", error=["worker-internal", {"reason": "KeyError"}])
    async with wide.open() as supervisor:
        await supervisor.want("alpha")
        assert (await failure(supervisor.want("beta"))).code == "worker-internal"
        assert supervisor.status()["wanted"] == "alpha"
        await gone_to(1)
        assert await answer(supervisor, "x") == "echo: x"


@in_loop
async def test_what_is_killed_for_memory_beside_another_comes_after_it(wide: House) -> None:
    wide.manners("beta", die=signal.SIGKILL)
    async with wide.open() as supervisor:
        await supervisor.want("alpha")
        with supervisor.events.subscribe() as view:
            swap = asyncio.create_task(supervisor.want("beta"))
            await heard(view, "worker.died")
            wide.manners("beta")
            await heard(view, "model.unloaded")  # the old one went first this time
        assert (await swap) is not None
        assert len(workers()) == 1


@in_loop
async def test_an_abandoned_successor_gives_way(wide: House) -> None:
    wide.manners("beta", load_after=30)
    async with wide.open() as supervisor:
        await supervisor.want("alpha")
        with supervisor.events.subscribe() as view:
            swap = asyncio.create_task(supervisor.ready("beta"))
            await heard(view, "model.progress")
        swap.cancel()
        await gone_to(1)
        assert await answer(supervisor, "x", "alpha") == "echo: x"


@in_loop
async def test_unloading_ends_both(wide: House) -> None:
    wide.manners("beta", load_after=30)
    async with wide.open() as supervisor:
        await supervisor.want("alpha")
        with supervisor.events.subscribe() as view:
            swap = asyncio.create_task(supervisor.ready("beta"))
            await heard(view, "model.progress")
        swap.cancel()
        await supervisor.unload()
        assert workers() == []


@in_loop
async def test_a_death_of_the_old_one_meanwhile_is_no_double_load(wide: House) -> None:
    wide.manners("beta", load_after=0.3)
    async with wide.open() as supervisor:
        await supervisor.want("alpha")
        with supervisor.events.subscribe() as view:
            swap = asyncio.create_task(supervisor.want("beta"))
            await heard(view, "model.progress")
        kill(supervisor.status()["worker_pid"])
        assert (await swap) is not None
        await gone_to(1)
        assert wide.launches == 2
        assert await answer(supervisor, "x") == "echo: x"


@in_loop
async def test_both_are_noted_and_stopped_with_the_daemon(wide: House) -> None:
    wide.manners("beta", load_after=30)
    async with wide.open() as supervisor:
        await supervisor.want("alpha")
        with supervisor.events.subscribe() as view:
            swap = asyncio.create_task(failure(supervisor.ready("beta")))
            await heard(view, "model.progress")
        note = Path(wide.paths.state / "worker.json").read_text()
        assert all(str(pid) in note for pid in workers())
        await supervisor.stop()
        assert (await swap).code == "supervisor-stopping"
        assert workers() == []


async def gone_to(count: int) -> None:
    """Wait until this many workers are left."""
    for _ in range(500):
        if len(workers()) == count:
            return
        await asyncio.sleep(0.01)
    assert len(workers()) == count


def kill(pid: object) -> None:
    """Kill a worker."""
    import psutil

    psutil.Process(int(str(pid))).kill()


@in_loop
async def test_another_context_is_tried_beside_the_model_in_use(wide: House) -> None:
    wide.manners("alpha", words=["A"] * 60, word_after=0.01, load_after=0.2)
    async with wide.open() as supervisor:
        await supervisor.want("alpha", context_tokens=300)
        running = supervisor.generate(ask("x"))
        assert await first_text(running) == "A "
        with supervisor.events.subscribe() as view:
            swap = asyncio.create_task(supervisor.want("alpha", context_tokens=400))
            await heard(view, "model.progress")
        assert (supervisor.status()["coming"], len(workers())) == ("alpha", 2)
        assert supervisor.status()["context_tokens"] == 300
        loaded = await swap
        assert loaded is not None
        assert loaded.context_tokens == supervisor.status()["context_tokens"] == 400
        assert await text_of(running) == "A " * 59  # nothing was cut
        await gone_to(1)


@in_loop
async def test_a_context_that_does_not_load_leaves_the_one_in_use(wide: House) -> None:
    async with wide.open() as supervisor:
        await supervisor.want("alpha", context_tokens=300)
        wide.manners("alpha", die=signal.SIGSEGV)
        error = await failure(supervisor.want("alpha", context_tokens=400))
        assert error.code.startswith("supervisor-worker-")
        wide.manners("alpha")
        assert await answer(supervisor, "x") == "echo: x"
        assert supervisor.status()["context_tokens"] == 300
        assert supervisor.wanted.context_tokens == 300
        assert wide.launches >= 2


@in_loop
async def test_where_both_do_not_fit_the_old_context_goes_first_and_comes_back(
    house: House,
) -> None:
    async with house.open() as supervisor:
        await supervisor.want("alpha", context_tokens=300)
        loaded = await supervisor.want("alpha", context_tokens=400)
        assert loaded is not None
        assert loaded.context_tokens == 400
        assert house.launches == 2
        house.manners("alpha", load_failed="worker-out-of-memory")
        await failure(supervisor.want("alpha", context_tokens=500))
        house.manners("alpha")
        assert await answer(supervisor, "x") == "echo: x"
        assert supervisor.status()["context_tokens"] == 400
