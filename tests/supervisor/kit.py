"""A supervisor over real fake workers and real small model files, for one test."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.fit.budget import Room
from galosh.store import ModelStore
from galosh.supervisor import BusEvent, Done, GenerationRequest, Launch, Limits, Started, Supervisor
from galosh.supervisor.admission import BESIDE, RefusalError
from galosh.supervisor.admit import Admit
from galosh.supervisor.bus import Subscription
from galosh.supervisor.load_plan import Admitted, LoadWish
from galosh.supervisor.pressure import Signs
from galosh.supervisor.request import Event, Queued, TextPiece
from galosh.supervisor.restart import RestartRules
from galosh.supervisor.thread_count import ThreadCount
from tests.fakes import gguf_models

REPO = Path(__file__).parents[2]
WORKER = REPO / "tests/fakes/worker.py"
FAST = Limits(
    hello_seconds=10,
    load_silence_seconds=10,
    silence_seconds=10,
    cancel_seconds=2,
    exit_seconds=2,
    terminate_seconds=0.2,
    restart=RestartRules(delays_seconds=(0.0, 0.02, 0.04, 0.08)),
)
Test = TypeVar("Test", bound=Callable[..., Coroutine[Any, Any, None]])


def in_loop(test: Test) -> Callable[..., None]:
    """Run an async test in a loop of its own; fixtures come as they would."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 100))

    return run


class House:
    """Models, manners and the way to a supervisor.

    available_bytes: the memory that is free, of 8 GiB; None: whatever this PC has. beside:
    whether there is room for two models at once. threads: how many are used, if not 2.
    """

    available_bytes: int | None = 8 << 30
    beside = False
    threads: ThreadCount | None = None

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.folder = paths.home.parent / "manners" if paths.home else Path()
        self.folder.mkdir()
        self.launches = 0
        paths.config.mkdir(parents=True)
        paths.settings_file.write_text("[engine]\nthreads = 2\n")
        for name in ("alpha", "beta"):
            self.model(name)

    def model(self, name: str) -> Path:
        """A sound small model file among galosh's own."""
        self.paths.models.mkdir(parents=True, exist_ok=True)
        return gguf_models.llama(layers=1).write(self.paths.models / f"{name}.gguf")

    def manners(self, name: str, **manners: object) -> None:
        """How workers behave from now on: at `start`, or with this model."""
        (self.folder / f"{name}.json").write_text(json.dumps(manners))

    def frames(self) -> list[dict[str, Any]]:
        """Everything that any worker was sent."""
        lines = (self.folder / "frames.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def launch(self) -> Launch:
        """The launcher: a fake worker in this Python."""
        self.launches += 1
        command = (sys.executable, "-I", "-S", str(WORKER), str(REPO / "daemon"), str(self.folder))
        return Launch(command, self.paths.data, build_id="fake-1")

    def supervisor(self, **limits: object) -> Supervisor:
        """A supervisor, not started."""
        settings = Settings.load(self.paths.settings_file)
        store = ModelStore(self.paths)
        self.pressure = FakePressure()
        return Supervisor(
            self.paths,
            settings,
            store=store,
            launcher=self.launch,
            limits=replace(FAST, **limits),  # type: ignore[arg-type]
            admission=Narrow(self, Admit(self.paths, lambda: settings, store, self.room)),
            pressure=self.pressure,
            threads=self.threads,
        )

    def room(self) -> Room:
        """The memory that admission sees."""
        return Room(8 << 30, None, self.available_bytes)

    @asynccontextmanager
    async def open(self, **limits: object) -> AsyncIterator[Supervisor]:
        """A running supervisor; at the end no worker is left, of all that were started."""
        supervisor = self.supervisor(**limits)
        await supervisor.start()
        try:
            yield supervisor
        finally:
            await supervisor.stop()
        assert workers() == []
        assert not (self.paths.state / "worker.json").exists()


class Narrow:
    """The real admission, which finds no room beside another model unless the house has it."""

    def __init__(self, house: House, real: Admit) -> None:
        self._house = house
        self._real = real

    def admit(self, wish: LoadWish, build_id: str | None) -> Admitted:
        """See admission.Admission."""
        if wish.beside_bytes is not None and not self._house.beside:
            self._house.launches -= 1  # ended before it was heard
            raise RefusalError(BESIDE, model_id=wish.model.id)
        return self._real.admit(wish, build_id)


class FakePressure:
    """A system whose memory pressure a test decides."""

    def __init__(self) -> None:
        self.signs = Signs(4 << 30, 8 << 30)
        self._tell: Callable[[Signs], None] | None = None

    def open(self, tell: Callable[[Signs], None]) -> None:
        """See manners.PressureWatch."""
        self._tell = tell

    def close(self) -> None:
        """See manners.PressureWatch."""
        self._tell = None

    def now(self) -> Signs:
        """See manners.PressureWatch."""
        return self.signs

    @property
    def is_open(self) -> bool:
        """Whether anybody watches."""
        return self._tell is not None

    def say(self, available_bytes: int, **kinds: bool) -> None:
        """Signal this now."""
        self.signs = Signs(available_bytes, 8 << 30)
        assert self._tell is not None
        self._tell(replace(self.signs, **kinds))


def workers() -> list[int]:
    """Living worker processes of this test run."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if str(WORKER) in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child.pid)
    return found


def ask(words: str, model_id: str | None = None, **more: Any) -> GenerationRequest:
    """A question."""
    return GenerationRequest(prompt=words, model_id=model_id, **more)


async def events_of(supervisor: Supervisor, request: GenerationRequest) -> list[Event]:
    """All events of an answer."""
    async with aclosing(supervisor.generate(request)) as events:
        return [event async for event in events]


async def answer(supervisor: Supervisor, words: str, model_id: str | None = None) -> str:
    """The text of a whole answer."""
    events = await events_of(supervisor, ask(words, model_id))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Done)
    assert not any(isinstance(event, Queued) for event in events)
    return "".join(e.text for e in events if isinstance(e, TextPiece)).strip()


async def text_of(events: AsyncIterator[Event]) -> str:
    """The rest of an answer's text."""
    return "".join([event.text async for event in events if isinstance(event, TextPiece)])


async def failure(work: Coroutine[Any, Any, object]) -> GaloshError:
    """The stated error that `work` ends with."""
    with pytest.raises(GaloshError) as caught:
        await work
    assert "?" not in str(caught.value)  # every fact its sentences name is there
    return caught.value


async def heard(view: Subscription, name: str) -> BusEvent:
    """The next event of this name."""
    async for event in view:
        if event.name == name:
            return event
    raise AssertionError(f"no {name}")


async def first_text(events: AsyncIterator[Event]) -> str:
    """Read on to the first piece of text."""
    async for event in events:
        if isinstance(event, TextPiece):
            return event.text
    raise AssertionError("no text")
