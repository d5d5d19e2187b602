"""The client for event loops: the same answers and errors; leaving stops the work."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from galosh.api.async_client import AsyncClient
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from tests.fakes.serving import Running, wait_until


def test_asks_and_lists(running: Running) -> None:
    async def talk() -> tuple[str, int, list[list[float]], set[str]]:
        client = AsyncClient(running.paths)
        words = [
            delta.text
            async for delta in client.ask([{"role": "user", "content": "hello big world"}])
        ]
        models = {str(model["id"]) for model in await client.models()}
        vectors = await client.embed(["one", "one two"])
        return "".join(words), await client.count_tokens("abc"), vectors, models

    words, count, vectors, models = asyncio.run(talk())
    assert (words, count) == ("hello big world ", 3)
    assert [round(vector[1], 2) for vector in vectors] == [0.8, -0.8]
    assert {"starter", "other"} <= models


def test_many_at_once(running: Running) -> None:
    async def talk() -> list[str]:
        client = AsyncClient(running.paths)

        async def one(word: str) -> str:
            deltas = client.ask([{"role": "user", "content": word}])
            return "".join([delta.text async for delta in deltas])

        return list(await asyncio.gather(*(one(f"word{n}") for n in range(6))))

    assert asyncio.run(talk()) == [f"word{n} " for n in range(6)]


def test_errors_are_the_daemons_own(running: Running, paths: Paths) -> None:
    async def fail(words: str, model: str | None = None) -> None:
        async for _ in AsyncClient(running.paths).ask(
            [{"role": "user", "content": words}], model=model
        ):
            pass

    with pytest.raises(GaloshError) as caught:
        asyncio.run(fail("x", model="gpt-9"))
    assert caught.value.code == "store-model-unknown"
    with pytest.raises(GaloshError, match="no words for"):
        asyncio.run(fail("die now"))


def test_nobody_there(paths: Paths) -> None:
    with pytest.raises(GaloshError) as caught:
        asyncio.run(AsyncClient(paths).status())
    assert caught.value.code == "api-daemon-away"


@pytest.mark.parametrize("words", ["forever", "flood"])
def test_leaving_stops_the_answer(running: Running, words: str) -> None:
    async def leave() -> str:
        stream = AsyncClient(running.paths).ask([{"role": "user", "content": words}])
        async with aclosing(stream) as deltas:
            return (await anext(deltas)).text

    assert asyncio.run(leave()).startswith("word ")
    wait_until(lambda: running.supervisor.running == 0)
    assert running.supervisor.cancelled == 1


def test_a_cancelled_wait_hangs_up(running: Running) -> None:
    async def give_up() -> None:
        async for _ in AsyncClient(running.paths).ask([{"role": "user", "content": "prefill"}]):
            pass

    async def main() -> None:
        task = asyncio.ensure_future(give_up())
        while not running.supervisor.running:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    wait_until(lambda: running.supervisor.running == 0)


def test_events_go_on_where_they_stopped(running: Running) -> None:
    async def watch() -> list[str]:
        client, names = AsyncClient(running.paths), []
        async with aclosing(client.events()) as events:
            assert (await anext(events)).name == "status"
            await client.use_model("other")
            seen = await anext(events)
            names.append(seen.name)
        await client.use_model("starter")
        async with aclosing(client.events(seen.number)) as events:
            names.append((await anext(events)).name)
        async with aclosing(client.events(1)) as events:  # long before this daemon
            names.append((await anext(events)).name)
        return names

    assert asyncio.run(watch()) == ["model.ready", "model.ready", "status"]
