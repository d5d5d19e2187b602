"""Memory decides: the ladder, the smaller model, the override, the death for memory."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.fit.memory import RunSettings
from galosh.supervisor import Done, Supervisor
from galosh.supervisor.admit import Admit, live_room
from galosh.supervisor.crash import Cause
from galosh.supervisor.fate import Fate, fate_of
from galosh.supervisor.prefixes import identity_of, load_or_make_key, prefixes_for
from galosh.supervisor.request import Event, Notice, TextPiece
from tests.fakes import gguf_models
from tests.supervisor.kit import House, ask, events_of, failure, in_loop

MIB = 1 << 20


def write(house: House, name: str, layers: int) -> None:
    """A model with a real cache: big enough that its context decides."""
    model = gguf_models.llama(layers=layers, context=65536)
    model.write(house.paths.models / f"{name}.gguf")


@pytest.fixture
def big(house: House) -> House:
    """alpha: 24 layers and 32k of context wanted; beta: one layer."""
    write(house, "alpha", 24)
    house.paths.settings_file.write_text(
        '[engine]\nthreads = 2\ndraft_model = "off"\n[prefix]\nkeep = false\n'
        "[model]\ncontext_tokens = 32768\n"
    )
    return house


async def need(house: House, name: str) -> int:
    """What a model is forecast to need as wanted."""
    async with house.open() as supervisor:
        await supervisor.ready(name)
        found = supervisor.status()["forecast_bytes"]
        await supervisor.want(None)
    assert isinstance(found, int)
    return found


def notices(events: list[Event]) -> list[str]:
    return [event.key for event in events if isinstance(event, Notice)]


@in_loop
async def test_with_room_the_worker_gets_exactly_what_was_forecast(big: House) -> None:
    async with big.open() as supervisor:
        loaded = await supervisor.ready("alpha")
        assert loaded.context_tokens == 32768
        [frame] = [frame for frame in big.frames() if frame["type"] == "load"]
        settings = supervisor.status()["settings"]
        assert isinstance(settings, dict)
        sent = {name: frame[name] for name in settings if name in frame}
        assert sent == {k: v for k, v in settings.items() if k in sent}
        assert set(settings) - set(sent) == {"full_window_cache"}  # the worker never has it
        assert supervisor.status()["notice"] is None


@in_loop
async def test_less_room_means_shorter_conversations_and_the_asker_is_told(big: House) -> None:
    full = await need(big, "alpha")
    big.available_bytes = int(full * 0.9)
    async with big.open() as supervisor:
        events = await events_of(supervisor, ask("x", "alpha"))
        assert isinstance(events[-1], Done)
        assert notices(events) == ["supervisor.notice-shorter"]
        tokens = supervisor.status()["context_tokens"]
        assert isinstance(tokens, int)
        assert 2048 <= tokens < 32768
        notice = supervisor.status()["notice"]
        assert isinstance(notice, dict)
        assert str(tokens) in notice["text"]
        assert "?" not in notice["text"]


@in_loop
async def test_kept_beginnings_are_given_up_first(big: House) -> None:
    full = await need(big, "alpha")
    big.paths.settings_file.write_text("[engine]\nthreads = 2\n[model]\ncontext_tokens = 32768\n")
    big.available_bytes = int((full * 1.05 + 64 * MIB) / 0.9) + 8 * MIB
    async with big.open() as supervisor:
        assert (await supervisor.ready("alpha")).context_tokens == 32768
    frame = [frame for frame in big.frames() if frame["type"] == "load"][-1]
    assert frame["prefix_memory_bytes"] == 0
    assert frame["prefix_folder"] is not None  # on disk they are kept all the same


@in_loop
async def test_no_room_for_a_named_model_is_an_error_with_numbers(big: House) -> None:
    big.available_bytes = 20 * MIB
    async with big.open() as supervisor:
        error = await failure(supervisor.ready("alpha"))
        assert error.code == "supervisor-no-room"
        assert error.facts["free_bytes"] == int(20 * MIB * 0.9)
        needed, close = error.facts["needed_bytes"], error.facts["close_bytes"]
        assert isinstance(needed, int)
        assert isinstance(close, int)
        assert needed > 20 * MIB
        assert close >= needed - 20 * MIB
        assert supervisor.status()["worker_pid"] is None


@in_loop
async def test_a_model_nobody_named_gives_way_to_a_smaller_one(big: House) -> None:
    for layers in (200,):
        write(big, "alpha", layers)
    big.paths.settings_file.write_text(
        "[engine]\nthreads = 2\n[prefix]\nkeep = false\n[model]\n"
        'context_tokens = 2048\ndefault = "alpha"\n'
    )
    wide = await need(big, "alpha")
    small = await need(big, "beta")
    assert wide > 1.2 * small
    big.available_bytes = int((small * 1.05 + 64 * MIB) / 0.9) + 4 * MIB
    async with big.open() as supervisor:
        events = await events_of(supervisor, ask("x"))
        assert notices(events) == ["supervisor.notice-instead"]
        assert isinstance(events[-1], Done)
        assert events[-1].model_id == "beta"
        # The next one does not send it away again just to be refused again.
        launches = big.launches
        events = await events_of(supervisor, ask("y"))
        assert notices(events) == ["supervisor.notice-instead"]
        assert big.launches == launches
        assert supervisor.status()["wanted"] != "beta"
        assert (await failure(supervisor.ready("alpha"))).code == "supervisor-no-room"


@in_loop
async def test_an_override_loads_it_all_the_same_and_names_the_risk(big: House) -> None:
    big.available_bytes = 20 * MIB
    async with big.open() as supervisor:
        events = await events_of(supervisor, ask("x", "alpha", override_memory=True))
        assert notices(events) == ["supervisor.notice-overridden"]
        assert supervisor.status()["context_tokens"] == 32768
    text = big.paths.settings_file.read_text() + "memory_override = true\n"
    big.paths.settings_file.write_text(text)
    async with big.open() as supervisor:
        await supervisor.ready("alpha")


@in_loop
async def test_unknown_memory_refuses_nothing(big: House) -> None:
    big.available_bytes = None
    async with big.open() as supervisor:
        assert (await supervisor.ready("alpha")).context_tokens == 32768


@in_loop
async def test_a_death_for_memory_while_loading_is_tried_one_rung_down(big: House) -> None:
    big.manners("alpha", die_above=[8192, signal.SIGABRT], last_words="\nstd::bad_alloc\n")
    async with big.open() as supervisor:
        events = await events_of(supervisor, ask("x", "alpha"))
        assert isinstance(events[-1], Done)
        assert supervisor.status()["context_tokens"] == 8192
        assert big.launches == 3  # 32k, 16k, 8k


@in_loop
async def test_a_death_for_memory_before_the_first_word_asks_again(big: House) -> None:
    bad = "\nstd::bad_alloc\n"
    big.manners("alpha", words=["a"], die_after=[0, int(signal.SIGABRT)])
    big.manners("start", last_words=bad)
    async with big.open() as supervisor:
        task = asyncio.create_task(events_of(supervisor, ask("x", "alpha")))
        with supervisor.events.subscribe() as view:
            async for event in view:
                if event.name == "worker.died":
                    assert event.facts["cause"] == "memory"
                    big.manners("alpha")
                    break
        events = await task
        assert "supervisor.notice-again" in notices(events)
        assert "".join(e.text for e in events if isinstance(e, TextPiece)) == "echo: x "
        assert supervisor.status()["context_tokens"] == 16384


@in_loop
async def test_a_death_for_memory_after_the_first_word_keeps_the_words(big: House) -> None:
    big.manners("alpha", words=["a", "b"], die_after=[1, int(signal.SIGABRT)])
    big.manners("start", last_words="\nstd::bad_alloc\n")
    async with big.open() as supervisor:
        got: list[Event] = []

        async def read() -> None:
            async for event in supervisor.generate(ask("x", "alpha")):
                got.append(event)  # noqa: PERF401 - it fails

        assert (await failure(read())).code == "supervisor-answer-cut"
        assert [e.text for e in got if isinstance(e, TextPiece)] == ["a "]


@pytest.mark.parametrize(
    ("cause", "begun", "wrote", "times", "fate"),
    [
        (Cause.MEMORY, True, False, 1, Fate.AGAIN),
        (Cause.MEMORY, True, False, 4, Fate.FAIL),
        (Cause.MEMORY, True, True, 1, Fate.CUT),
        (Cause.SEGFAULT, False, False, 1, Fate.AGAIN),
        (Cause.SEGFAULT, False, False, 2, Fate.FAIL),
        (Cause.SEGFAULT, True, False, 1, Fate.FAIL),
        (Cause.KILLED, True, True, 1, Fate.FAIL),
    ],
)
def test_fates(cause: Cause, begun: bool, wrote: bool, times: int, fate: Fate) -> None:
    assert fate_of(cause, begun=begun, wrote=wrote, sent_times=times) is fate


def test_this_pcs_own_memory_can_be_told() -> None:
    room = live_room()
    assert room.available_bytes
    assert room.now_bytes is not None


def test_the_key_is_made_once_and_only_for_the_user(paths: Paths) -> None:
    key = load_or_make_key(paths)
    assert len(key) == 32
    assert load_or_make_key(paths) == key
    file = paths.state / "prefix.key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)  # others may have read it: it seals nothing any more
    assert load_or_make_key(paths) != key
    file.write_text("zz")
    assert len(load_or_make_key(paths)) == 32


def test_the_identity_changes_with_all_that_a_state_depends_on(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF" * 100)
    run = RunSettings(4096)
    first = identity_of(file, "b1", run)
    assert identity_of(file, "b1", RunSettings(8192, sequences=4)) == first
    assert identity_of(file, "b2", run) != first
    assert identity_of(file, "b1", RunSettings(4096, cache_type="q8_0")) != first
    file.write_bytes(b"GGUF" * 101)
    assert identity_of(file, "b1", run) != first


def test_nothing_is_kept_where_the_user_says_so(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    file = paths.config / "m.gguf"
    file.write_bytes(b"GGUF")
    kept = prefixes_for(paths, Settings(paths.settings_file, {}), file, "b1", RunSettings(512))
    assert kept.folder is not None
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    off = Settings(paths.settings_file, {"prefix.keep": False})
    assert prefixes_for(paths, off, file, "b1", RunSettings(512)).folder is None
    assert prefixes_for(paths, off, file, "b1", RunSettings(512)).memory_bytes == 0


@in_loop
async def test_a_damaged_header_is_stated_before_a_worker_is_started(house: House) -> None:
    async with house.open() as supervisor:
        model = await supervisor._find("alpha")
        model.path.write_bytes(b"not a model at all" * 50)
        assert await refused(supervisor, "alpha") in ("supervisor-model-broken", "gguf-not-a-model")
        assert supervisor.status()["worker_pid"] is None


async def refused(supervisor: Supervisor, name: str) -> str:
    try:
        await supervisor.ready(name)
    except GaloshError as error:
        return error.code
    return ""


@in_loop
async def test_a_header_is_read_once_and_again_when_the_file_is_another(house: House) -> None:
    async with house.open() as supervisor:
        admit = Admit(
            house.paths, lambda: Settings.load(house.paths.settings_file), supervisor.store
        )
        model = await asyncio.to_thread(supervisor.store.get, "alpha")
        wish = supervisor.wish(model)
        first = admit.admit(wish, None).plan.lasting_bytes
        header = admit._header(model.path)
        assert admit._header(model.path) is header
        gguf_models.llama(layers=9).write(model.path)
        assert admit._header(model.path) is not header
        second = admit.admit(wish, None).plan.lasting_bytes
        assert first is not None
        assert second is not None
        assert second > first
        model.path.write_bytes(b"GGUF")
        with pytest.raises(GaloshError):
            admit.admit(wish, None)
