"""The small model that guesses for the large one: which it is, and that there is room."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.supervisor import Done, Supervisor
from galosh.supervisor.request import Event, TextPiece
from tests import real
from tests.fakes import gguf_models
from tests.fakes.gguf_writer import Model
from tests.supervisor.kit import House, ask, events_of, in_loop


def put(house: House, name: str, model: Model) -> None:
    model.write(house.paths.models / f"{name}.gguf")


@pytest.fixture
def family(house: House) -> House:
    """alpha is large; beta is a hundredth of it, gamma about a tenth, delta a half; epsilon is
    small too, but of another vocabulary."""
    for name, layers in (("alpha", 100), ("beta", 1), ("gamma", 9), ("delta", 50)):
        put(house, name, gguf_models.llama(layers=layers, width=128, ff=256))
    put(house, "epsilon", gguf_models.llama(layers=8, width=128, ff=256, vocab=330))
    return house


def chosen(house: House, setting: str | None) -> None:
    line = "" if setting is None else f'draft_model = "{setting}"\n'
    house.paths.settings_file.write_text(f"[engine]\nthreads = 2\n{line}[prefix]\nkeep = false\n")


async def loaded(house: House) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The load request for alpha, and the status after it."""
    async with house.open() as supervisor:
        await supervisor.ready("alpha")
        status = supervisor.status()
    [frame] = [frame for frame in house.frames() if frame["type"] == "load"]
    return frame, status


@in_loop
async def test_the_one_nearest_to_a_tenth_guesses_and_status_says_so(family: House) -> None:
    frame, status = await loaded(family)
    assert frame["draft_path"] == str(family.paths.models / "gamma.gguf")
    assert (status["draft_model"], status["draft_refused"]) == ("gamma", None)


@in_loop
async def test_switched_off_none_guesses(family: House) -> None:
    chosen(family, "off")
    frame, status = await loaded(family)
    assert (frame["draft_path"], status["draft_model"]) == (None, None)


@in_loop
async def test_the_named_one_guesses_whatever_its_size(family: House) -> None:
    chosen(family, "delta")
    assert (await loaded(family))[1]["draft_model"] == "delta"


@in_loop
async def test_another_vocabulary_is_refused_and_said(family: House) -> None:
    chosen(family, "epsilon")
    frame, status = await loaded(family)
    assert (frame["draft_path"], status["draft_model"]) == (None, None)
    refused = status["draft_refused"]
    assert refused["code"] == "worker-draft-vocabulary"
    assert refused["facts"] == {"tokens": 330, "wanted_tokens": 320}


@in_loop
async def test_no_room_for_both_means_the_large_one_alone(family: House) -> None:
    chosen(family, "off")
    alone = (await loaded(family))[1]["forecast_bytes"]
    (family.folder / "frames.jsonl").unlink()
    chosen(family, None)
    # Just what the verdict asks for one: a twentieth and 64 MiB more, of 0.9 of what is free.
    family.available_bytes = int((alone * 1.05 + (64 << 20)) / 0.9) + (1 << 20)
    frame, status = await loaded(family)
    assert (frame["draft_path"], status["forecast_bytes"]) == (None, alone)
    (family.folder / "frames.jsonl").unlink()
    family.available_bytes = 8 << 30
    assert (await loaded(family))[1]["forecast_bytes"] > alone


@in_loop
async def test_what_died_for_memory_comes_back_without_it(family: House) -> None:
    family.manners("alpha", words=["a"], die_after=[0, int(signal.SIGABRT)])
    family.manners("start", last_words="\nstd::bad_alloc\n")
    async with family.open() as supervisor:
        task = asyncio.create_task(events_of(supervisor, ask("x", "alpha")))
        with supervisor.events.subscribe() as view:
            async for event in view:
                if event.name == "worker.died":
                    family.manners("alpha")
                    break
        assert words_of(await task) == "echo: x "
        status = supervisor.status()
        assert (status["draft_model"], status["context_tokens"]) == (None, 512)


@pytest.mark.engine
@in_loop
async def test_the_real_engine_guesses_with_the_model_itself_and_status_says_so(
    paths: Paths,
) -> None:
    model = real.starter_model()
    real.link_engines(paths)
    paths.config.mkdir(parents=True)
    paths.settings_file.write_text(f'[engine]\nthreads = 1\ndraft_model = "{model.name}"\n')
    supervisor = Supervisor(paths, Settings.load(paths.settings_file))
    added = supervisor.store.add(model)
    await supervisor.start()
    try:
        question = ask("Once upon a time", max_tokens=40, sampling={"temperature": 0.0})
        drafted = await events_of(supervisor, question)
        plain = await events_of(supervisor, replace(question, options={"draft": False}))
        assert words_of(drafted) == words_of(plain)
        done = drafted[-1]
        assert isinstance(done, Done)
        assert done.draft_accepted > 0
        assert supervisor.status()["draft_model"] == added.id
    finally:
        await supervisor.stop()


def words_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextPiece))


@in_loop
async def test_one_with_hostile_values_never_reaches_the_engine(family: House) -> None:
    bad = gguf_models.llama(layers=8, width=128, ff=256)
    bad.metadata["llama.attention.layer_norm_rms_epsilon"] = float("nan")
    put(family, "zeta", bad)
    chosen(family, "zeta")
    frame, status = await loaded(family)
    assert (frame["path"], frame["draft_path"]) == (str(family.paths.models / "alpha.gguf"), None)
    assert str(status["draft_refused"]["code"]).startswith("gguf-")
