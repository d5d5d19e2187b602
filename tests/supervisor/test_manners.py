"""A worker with bad manners: every request ends with the true reason, the next one is right."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import aclosing

import pytest

from galosh.base.errors import GaloshError
from galosh.supervisor import Launch
from tests.supervisor.kit import (
    House,
    answer,
    ask,
    events_of,
    failure,
    first_text,
    heard,
    in_loop,
    workers,
)

ASSERT_LINE = "ggml.c:7: GGML_ASSERT(x) failed"
if sys.platform == "win32":
    DEATHS = [(3, "supervisor-worker-died"), (97, "supervisor-worker-template")]
else:
    DEATHS = [
        (int(signal.SIGSEGV), "supervisor-worker-died"),
        (int(signal.SIGILL), "supervisor-worker-instruction"),
        (int(signal.SIGBUS), "supervisor-worker-file-lost"),
        (int(signal.SIGKILL), "supervisor-worker-killed"),
    ]


@in_loop
async def test_slow_starts_and_loads_are_waited_for(house: House) -> None:
    house.manners("start", hello_after=0.3)
    house.manners("alpha", load_after=0.3, progress=[0.1, 0.1, 0.9])
    async with house.open() as supervisor:
        with supervisor.events.subscribe() as view:
            assert await answer(supervisor, "x", "alpha") == "echo: x"
            names = [(await anext(view)).name for _ in range(6)]
    assert names == [
        "model.loading",
        "model.progress",
        "model.progress",
        "model.ready",
        "generation.started",
        "generation.finished",
    ]


@in_loop
async def test_a_worker_that_never_says_hello_is_tried_twice_and_then_refused(
    house: House,
) -> None:
    house.manners("start", hello=False)
    async with house.open(hello_seconds=0.2) as supervisor:
        first = await failure(answer(supervisor, "x", "alpha"))
        assert first.code == "supervisor-worker-silent"
        assert first.facts["silent_seconds"] == 0.2
        assert house.launches == 2
        second = await failure(answer(supervisor, "x", "alpha"))
        assert (second.code, second.facts["deaths"]) == ("supervisor-model-bad", 2)
        assert house.launches == 2
        assert supervisor.status()["bad_models"] == ["alpha"]
        house.manners("start")
        # Asked for by name, it gets another chance.
        await supervisor.want("alpha")
        assert await answer(supervisor, "x") == "echo: x"


@pytest.mark.parametrize(
    ("manners", "code", "launches"),
    [
        ({"hello_fields": {"protocol": 1}}, "supervisor-worker-version", 1),
        ({"hello_fields": {"pid": -3}}, "supervisor-worker-garbled", 2),
        ({"garbage": True}, "supervisor-worker-garbled", 2),
        ({"exit": 3}, "supervisor-worker-died", 2),
        ({"exit": 95}, "supervisor-worker-unusable", 2),
    ],
)
def test_bad_starts(house: House, manners: dict[str, object], code: str, launches: int) -> None:
    @in_loop
    async def scenario() -> None:
        house.manners("start", **manners)
        async with house.open() as supervisor:
            assert (await failure(supervisor.ready("alpha"))).code == code
            assert supervisor.status()["state"] == "failed"
            assert house.launches == launches

    scenario()


@in_loop
async def test_a_flood_on_stderr_blocks_nobody(house: House) -> None:
    house.manners("start", flood_bytes=3_000_000)
    async with house.open() as supervisor:
        assert await answer(supervisor, "x", "alpha") == "echo: x"


@in_loop
async def test_the_worker_refuses_the_model(house: House) -> None:
    house.manners("alpha", load_failed="worker-from-the-future")
    async with house.open() as supervisor:
        error = await failure(supervisor.ready("alpha"))
        assert error.code == "supervisor-worker-refused"
        assert error.facts["reason"] == "as told"
        # A stated reason is no crash: the next demand may try again, without a loop.
        assert house.launches == 1
        house.manners("alpha")
        assert await answer(supervisor, "x", "alpha") == "echo: x"


@in_loop
async def test_death_at_every_load_of_one_model_leaves_the_others_working(house: House) -> None:
    house.manners("beta", die=signal.SIGABRT, last_words=f"\n{ASSERT_LINE}\n")
    async with house.open() as supervisor:
        error = await failure(supervisor.ready("beta"))
        assert error.code == "supervisor-worker-died"
        assert (error.facts["signal"], error.facts["line"]) == ("SIGABRT", ASSERT_LINE)
        assert error.facts["loading"] is True
        assert house.launches == 2
        assert (await failure(supervisor.ready("beta"))).code == "supervisor-model-bad"
        assert await answer(supervisor, "x", "alpha") == "echo: x"


@in_loop
async def test_a_load_that_stands_still(house: House) -> None:
    house.manners("alpha", load=False)
    async with house.open(load_silence_seconds=0.2) as supervisor:
        assert (await failure(supervisor.ready("alpha"))).code == "supervisor-worker-silent"


@pytest.mark.parametrize("manners", [{"begin": False, "silent_after": 0}, {"silent_after": 2}])
def test_silence_while_answering(house: House, manners: dict[str, object]) -> None:
    @in_loop
    async def scenario() -> None:
        house.manners("alpha", words=["a", "b", "c"], **manners)
        async with house.open(silence_seconds=0.2, prefill_seconds_per_token=0.0) as supervisor:
            error = await failure(answer(supervisor, "x", "alpha"))
            assert error.code == "supervisor-worker-silent"
            house.manners("alpha")
            assert await answer(supervisor, "next") == "echo: next"

    scenario()


@pytest.mark.parametrize(
    ("number", "code"),
    DEATHS,
)
def test_death_in_mid_answer(house: House, number: int, code: str) -> None:
    @in_loop
    async def scenario() -> None:
        house.manners("alpha", words=["a", "b", "c"], die_after=[2, number])
        async with house.open() as supervisor:
            got: list[str] = []
            with supervisor.events.subscribe() as view:
                events = supervisor.generate(ask("x", "alpha"))

                async def read() -> None:
                    async for event in events:
                        got.append(getattr(event, "text", ""))  # noqa: PERF401 - it fails

                error = await failure(read())
                died = await heard(view, "worker.died")
            assert error.code == code
            assert "".join(got) == "a b "
            assert died.facts["loading"] is False
            house.manners("alpha")
            assert await answer(supervisor, "next") == "echo: next"

    scenario()


@in_loop
async def test_repeated_death_in_mid_answer_comes_to_rest(house: House) -> None:
    house.manners("alpha", words=["a"], die_after=[1, int(signal.SIGSEGV)])
    async with house.open() as supervisor:
        for _ in range(5):
            assert (await failure(answer(supervisor, "x", "alpha"))).code == (
                "supervisor-worker-died"
            )
        await asyncio.sleep(0.2)
        assert supervisor.status()["state"] == "failed"
        assert house.launches == 5
        house.manners("alpha")
        assert await answer(supervisor, "x", "alpha") == "echo: x"


@in_loop
async def test_a_lie_in_mid_answer(house: House) -> None:
    house.manners("alpha", words=["a", "b"], lie_after=1)
    async with house.open() as supervisor:
        assert (await failure(answer(supervisor, "x", "alpha"))).code == (
            "supervisor-worker-garbled"
        )
        house.manners("alpha")
        assert await answer(supervisor, "next") == "echo: next"


@in_loop
async def test_a_worker_that_goes_on_after_cancel_is_replaced(house: House) -> None:
    house.manners("alpha", words=["w"] * 10_000, word_after=0.005, ignore_cancel=True)
    async with house.open(cancel_seconds=0.2) as supervisor:
        async with aclosing(supervisor.generate(ask("x", "alpha"))) as events:
            await first_text(events)
        house.manners("alpha")
        assert await answer(supervisor, "next") == "echo: next"
        assert house.launches == 2


@in_loop
async def test_a_worker_that_will_not_leave_is_killed(house: House) -> None:
    house.manners("alpha", ignore_exit=True)
    async with house.open(exit_seconds=0.1, terminate_seconds=0.1) as supervisor:
        await supervisor.ready("alpha")
        assert len(workers()) == 1
        await supervisor.unload()
        assert workers() == []
        await supervisor.ready("alpha")


@in_loop
async def test_an_engine_that_cannot_be_started(house: House) -> None:
    def broken() -> Launch:
        house.launches += 1
        return Launch((str(house.folder / "no such program"),), house.folder)

    async with house.open() as supervisor:
        supervisor._ruling().tools.launcher = broken
        error = await failure(answer(supervisor, "x", "alpha"))
        assert error.code == "supervisor-worker-not-started"
        assert house.launches == 1


@in_loop
async def test_no_engine_yet(house: House) -> None:
    def none() -> Launch:
        raise GaloshError("supervisor-no-engine")

    async with house.open() as supervisor:
        supervisor._ruling().tools.launcher = none
        assert (await failure(answer(supervisor, "x", "alpha"))).code == "supervisor-no-engine"


@in_loop
async def test_an_engine_is_confirmed_once_by_its_first_answer(house: House) -> None:
    confirmed: list[str] = []
    plain = house.launch

    def launch() -> Launch:
        made = plain()
        return Launch(made.command, made.folder, "b1", answered=lambda: confirmed.append("b1"))

    async with house.open() as supervisor:
        supervisor._ruling().tools.launcher = launch
        await supervisor.ready("alpha")
        assert confirmed == []
        await events_of(supervisor, ask("x"))
        await events_of(supervisor, ask("y"))
        await asyncio.sleep(0.05)
    assert confirmed == ["b1"]
