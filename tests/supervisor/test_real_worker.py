"""The supervisor over the real engine and the starter model."""

from __future__ import annotations

import asyncio
import contextlib
import os
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.supervisor import Done, GenerationRequest, Supervisor
from galosh.supervisor.idle import Stage
from tests import real
from tests.supervisor.kit import answer, events_of, failure, first_text, heard, in_loop

pytestmark = pytest.mark.engine

CAPITAL = GenerationRequest(
    prompt="The capital of France is",
    max_tokens=12,
    sampling={"temperature": 0.0, "seed": 1},
)


@pytest.fixture
def supervisor(paths: Paths) -> Supervisor:
    """A supervisor over the shared engine and model; not started."""
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text("[engine]\nthreads = 2\n[model]\ncontext_tokens = 1024\n")
    real.link_engines(paths)
    made = Supervisor(paths, Settings.load(paths.settings_file))
    made.store.add(Path(real.starter_model()))
    return made


async def text_of(supervisor: Supervisor, request: GenerationRequest) -> tuple[str, Done]:
    """The whole answer and its last event."""
    events = await events_of(supervisor, request)
    last = events[-1]
    assert isinstance(last, Done)
    return "".join(getattr(event, "text", "") for event in events), last


@in_loop
async def test_a_real_answer_twice_the_same(supervisor: Supervisor) -> None:
    await supervisor.start()
    try:
        text, done = await text_of(supervisor, CAPITAL)
        assert "Paris" in text
        assert done.completion_tokens > 3
        assert supervisor.status()["tokens_per_second"]
        assert (await text_of(supervisor, CAPITAL))[0] == text
        assert await supervisor.count_tokens("The capital of France") > 2
    finally:
        await supervisor.stop()


@in_loop
async def test_cancelling_in_the_prefill_and_a_kill_in_mid_answer(supervisor: Supervisor) -> None:
    await supervisor.start()
    try:
        text, _ = await text_of(supervisor, CAPITAL)
        long = GenerationRequest(prompt="word " * 900, max_tokens=8)
        with supervisor.events.subscribe() as view:
            events = supervisor.generate(long)
            await anext(events)
            loop = asyncio.get_running_loop()
            begun = loop.time()
            await events.aclose()
            await heard(view, "generation.finished")
            assert loop.time() - begun < 2
        assert (await text_of(supervisor, CAPITAL))[0] == text
        async with aclosing(supervisor.generate(CAPITAL)) as running:
            await first_text(running)
            psutil.Process(int(str(supervisor.status()["worker_pid"]))).kill()
            error = await failure(_rest(running))
        assert error.code == "supervisor-worker-killed"
        assert (await text_of(supervisor, CAPITAL))[0] == text
    finally:
        await supervisor.stop()


@in_loop
async def test_a_prompt_that_does_not_fit_is_refused_with_the_counts(
    supervisor: Supervisor,
) -> None:
    await supervisor.start()
    try:
        error = await failure(answer(supervisor, "word " * 3000))
        assert error.code == "worker-prompt-too-long"
        assert error.facts["context_tokens"] == 1024
        assert supervisor.status()["state"] == "ready"
    finally:
        await supervisor.stop()


async def _rest(events: object) -> None:
    async for _ in events:  # type: ignore[attr-defined]
        pass


@in_loop
async def test_four_at_once_say_what_each_says_alone(supervisor: Supervisor) -> None:
    await supervisor.start()
    try:
        prompts = ["The capital of France is", "Water boils at", "One, two, three,", "Cats and"]
        asked = [replace(CAPITAL, prompt=prompt) for prompt in prompts]
        alone = [(await text_of(supervisor, request))[0] for request in asked]
        assert supervisor.status()["answers_at_a_time"] == 4
        together = await asyncio.gather(*(text_of(supervisor, request) for request in asked))
        # Sums in another order may turn a near tie: most answers are the same to the letter.
        same = sum(text == expected for (text, _), expected in zip(together, alone, strict=True))
        assert same >= 3
        assert all(done.completion_tokens > 3 for _, done in together)
    finally:
        await supervisor.stop()


@in_loop
async def test_rest_gives_memory_back_and_the_next_question_wakes_it(
    supervisor: Supervisor,
) -> None:
    await supervisor.start()
    try:
        text, _ = await text_of(supervisor, CAPITAL)
        owner = supervisor._ruling()
        awake = owner.slot.memory_bytes
        with supervisor.events.subscribe() as view:
            owner.post(lambda: owner.slot.rest(Stage.MODEL))
            rested = await heard(view, "model.rested")
        assert rested.facts["stage"] == "model"
        left = rested.facts["memory_bytes"]
        assert isinstance(left, int)
        assert awake is not None
        assert left < awake - 100_000_000  # the weights of this model have 98 MB
        assert supervisor.status()["stage"] == "model"
        again, done = await text_of(supervisor, CAPITAL)
        assert again == text
        assert done.cached_tokens > 0  # what was read before was saved, and not read again
        assert supervisor.status()["stage"] == "awake"
    finally:
        await supervisor.stop()


@in_loop
async def test_what_was_read_survives_the_worker(supervisor: Supervisor) -> None:
    await supervisor.start()
    try:
        long = replace(CAPITAL, prompt="It was a dark and stormy night. " * 20 + "So")
        text, first = await text_of(supervisor, long)
        assert first.cached_tokens == 0
        await supervisor.unload()
        again, second = await text_of(supervisor, long)
        assert again == text
        assert second.restored_tokens > first.prompt_tokens // 2
    finally:
        await supervisor.stop()


@in_loop
async def test_a_model_file_cut_while_it_is_used(supervisor: Supervisor, paths: Paths) -> None:
    """The worker may die of it, or have its own copy; the next load is refused with the reason."""
    mine = paths.models / "mine.gguf"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(real.starter_model().read_bytes())
    model = next(model for model in supervisor.store.list() if model.path == mine)
    asked = replace(CAPITAL, model_id=model.id)
    await supervisor.start()
    try:
        await text_of(supervisor, asked)
        os.truncate(mine, mine.stat().st_size // 2)
        with contextlib.suppress(GaloshError):  # a worker with its own copy goes on
            await text_of(supervisor, replace(asked, model_id=None, prompt="Quite another text:"))
        await supervisor.unload()
        assert (await failure(events_of(supervisor, asked))).code == "supervisor-model-broken"
        assert (
            "Paris"
            in (await text_of(supervisor, replace(CAPITAL, model_id=_starter(supervisor))))[0]
        )
    finally:
        await supervisor.stop()


def _starter(supervisor: Supervisor) -> str:
    return next(m.id for m in supervisor.store.list() if m.path == real.starter_model())
