"""The supervisor as the server sees it: wishes in, events out.

Owns the way from a model's name to a demand in the owner's line, the wanted model on disk,
and the facts a load needs from the machine. Blocking work (disk, probes) runs in threads;
the worker slot itself is the owner's alone.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from galosh.base.clock import Clock, SystemClock
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.settings import Settings
from galosh.store import ModelStore, StoredModel
from galosh.supervisor.admission import Admission
from galosh.supervisor.bus import EventBus
from galosh.supervisor.idle import Patience
from galosh.supervisor.late_admission import LateAdmission
from galosh.supervisor.launch import Launch, Launcher, engine_launcher
from galosh.supervisor.leftover import Ledger
from galosh.supervisor.limits import Limits
from galosh.supervisor.load_plan import LoadWish
from galosh.supervisor.manners import Manners, PressureWatch
from galosh.supervisor.owner import Owner
from galosh.supervisor.pressure import Level
from galosh.supervisor.report import report
from galosh.supervisor.request import (
    Event,
    GenerationRequest,
    LoadedModel,
    Notice,
    Priority,
    Queued,
    Started,
    TokenCount,
    Vectors,
)
from galosh.supervisor.running import Tally
from galosh.supervisor.schedule import Demand, Kind
from galosh.supervisor.slot import Tools
from galosh.supervisor.speed_record import SpeedRecord
from galosh.supervisor.template_notice import template_notice
from galosh.supervisor.thread_count import ThreadCount
from galosh.supervisor.ticket import Stream, Ticket
from galosh.supervisor.wanted import Wanted, WantedFile
from galosh.supervisor.watch_pressure import system_watch

_LOG = logging.getLogger("galosh.supervisor")


class Supervisor:
    """One supervisor per daemon. `start` it in the loop it will live in, `stop` it there.

    Every method but `status` is to be called in that loop; none blocks it.
    """

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        clock: Clock | None = None,
        *,
        store: ModelStore | None = None,
        launcher: Launcher | None = None,
        limits: Limits | None = None,
        admission: Admission | None = None,
        pressure: PressureWatch | None = None,
        threads: ThreadCount | None = None,
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._clock = clock or SystemClock()
        self._limits = limits or Limits()
        self._launcher = launcher or engine_launcher(paths)
        self._ledger = Ledger.of(paths)
        self._wanted_file = WantedFile(paths.state / "wanted.json")
        self._numbers = itertools.count(1)
        self._admission = admission
        self._pressure = pressure
        self._record = SpeedRecord(paths)
        self._owner: Owner | None = None
        self._manners: Manners | None = None
        self._task: asyncio.Task[None] | None = None
        self._threads = threads or ThreadCount(self._clock)
        self._confirmed: set[str] = set()
        self.wanted = Wanted()
        self._stood = Wanted()  # what stood ready last
        self.store = store or ModelStore(paths)
        self.events = EventBus(self._clock)
        self.started_seconds = self._clock.monotonic_seconds()

    # --- life ---

    async def start(self) -> None:
        """End a worker left behind, read what is wanted, begin to serve. Loads nothing."""
        await asyncio.to_thread(self._ledger.clean_up)
        self.wanted = await asyncio.to_thread(self._wanted_file.load)
        tools = Tools(
            launcher=self._launcher,
            ledger=self._ledger,
            admission=self._admission or LateAdmission(self._paths, self._current, self.store),
            bus=self.events,
            clock=self._clock,
            limits=self._limits,
            tally=Tally(),
            record=self._record,
        )
        self._owner = owner = Owner(self, tools)
        owner.paused = self.wanted.paused
        watch = self._pressure or system_watch()
        self._manners = Manners(owner, self.events, watch, self._patience)
        owner.settled, owner.is_tight = self._manners.settled, self._manners.is_tight
        self._task = asyncio.get_running_loop().create_task(self._owner.run())

    async def stop(self) -> None:
        """End every request with `supervisor-stopping` and reap the worker. Idempotent."""
        owner, task = self._owner, self._task
        if owner is None or task is None or task.done():
            return
        stopped = asyncio.Event()
        owner.post(owner.stop)
        owner.post(stopped.set)
        await stopped.wait()
        for slot in owner.slots:
            if slot.worker is not None:
                await slot.worker.finished()
        owner.post(owner.end)
        await task
        if self._manners is not None:
            self._manners.close()
        await self._wanted_file.settled()
        await asyncio.to_thread(self._record.close)
        self.events.close()

    def apply(self, settings: Settings) -> None:
        """Use these settings from now on; a new context size from the next load on."""
        self._settings = settings
        owner = self._ruling()
        owner.post(lambda: None)  # idle time counts by them at once

    # --- wishes ---

    async def want(
        self,
        model_id: str | None,
        *,
        context_tokens: int | None = None,
        cancel_running: bool = False,
    ) -> LoadedModel | None:
        """Make this the wanted model and load it; None: unload and want nothing.

        A running answer finishes first, unless `cancel_running`. A loaded model is loaded
        anew where the context it was asked for has changed. If the model cannot be loaded,
        the one before comes back and this raises the reason. Raises GaloshError
        `store-model-unknown`, `supervisor-model-broken`, `supervisor-…`, `worker-…`.
        """
        if model_id is None:
            self._set_wanted(Wanted(paused=self.wanted.paused))
            await self.unload(cancel_running=cancel_running)
            await self._wanted_file.settled()
            return None
        model = await self._find(model_id)
        await self._know_threads()
        old = self.wanted
        same = old.model_id == model.id
        previous = old.previous if same else old.model_id
        if same and context_tokens is None:
            context_tokens = old.context_tokens
        self._set_wanted(replace(Wanted(model.id, context_tokens, previous), paused=old.paused))
        await self._wanted_file.settled()
        owner = self._ruling()
        owner.post(lambda: owner.forgive(model.id))
        if cancel_running:
            self._end_running()
        return await self._model_ready(model, anew=True)

    async def ready(self, model_id: str | None = None) -> LoadedModel:
        """Wait until the model (None: the wanted one, else the default) stands ready.

        Loads it on demand. Raises GaloshError as `want` does, and `supervisor-no-model`.
        """
        model = await self._choose(model_id)
        return await self._model_ready(model, named=model_id is not None)

    async def unload(self, *, cancel_running: bool = False) -> None:
        """Give the memory back; the wanted model stays wanted and loads on demand."""
        if cancel_running:
            self._end_running()
        await self._wish(Kind.UNLOAD, None)

    async def pause(self) -> None:
        """Hold no memory and answer nothing until `resume`, also after a restart."""
        owner = self._ruling()
        self._set_wanted(replace(self.wanted, paused=True))
        owner.post(lambda: owner.pause(paused=True))
        await self.unload()
        await self._wanted_file.settled()

    async def resume(self) -> None:
        """Answer again; the model is loaded by the next question."""
        owner = self._ruling()
        self._set_wanted(replace(self.wanted, paused=False))
        owner.post(lambda: owner.pause(paused=False))
        await self._wanted_file.settled()

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Event, None]:
        """Answer a request. Close the generator (`aclosing`) to cancel, at once, at any time.

        Raises GaloshError on the first step (`supervisor-queue-full`, `store-model-unknown`
        …) or in mid-answer (`supervisor-worker-…`, `worker-…`).
        """
        number = next(self._numbers)  # the place in line is that of the call
        model = await self._choose(request.model_id)
        ticket = Ticket(
            Demand(number, Kind.ANSWER, model.id, request.priority),
            model,
            stream=Stream(self._limits.unread_events),
            frame=lambda model, name: _frame(request, model, name),
            announce=request.announce_queue,
            named=request.model_id is not None,
            override_memory=request.override_memory,
        )
        async with aclosing(self._serve(ticket)) as items:
            async for item in items:
                if isinstance(item, Started) and request.messages is not None:
                    told = template_notice(self._ruling().slot.model)
                    if told is not None:
                        yield told
                yield cast("Event", item)

    async def count_tokens(self, text: str, model_id: str | None = None) -> int:
        """How many tokens the model makes of `text`; waits its turn. Raises as `ready`."""
        return cast("TokenCount", await self._ask("count", {"text": text}, model_id)).count

    async def tokenize(self, text: str, model_id: str | None = None) -> tuple[int, ...]:
        """The tokens the model makes of `text`; waits its turn. Raises as `ready`."""
        found = cast("TokenCount", await self._ask("tokenize", {"text": text}, model_id))
        return found.tokens or ()

    async def detokenize(self, tokens: Sequence[int], model_id: str | None = None) -> str:
        """The text of tokens; waits its turn. Raises as `ready`."""
        return str(await self._ask("detokenize", {"tokens": list(tokens)}, model_id))

    async def embed(
        self, texts: Sequence[str], model_id: str | None = None, *, truncate: bool = False
    ) -> Vectors:
        """A vector for each text; waits its turn. truncate: cut what is too long. Raises as
        `ready`, and `worker-prompt-too-long`."""
        words = {"texts": list(texts), "truncate": truncate}
        return cast("Vectors", await self._ask("embed", words, model_id))

    async def remove_model(self, model_id: str) -> StoredModel:
        """Remove a model from the store; raises `store-model-in-use` for the loaded one."""
        model = await asyncio.to_thread(self.store.get, model_id)
        slots = self._ruling().slots
        if any(slot.worker is not None and slot.model_id == model.id for slot in slots):
            raise GaloshError("store-model-in-use", model_id=model.id)
        return await asyncio.to_thread(self.store.remove, model.id)

    def status(self) -> dict[str, object]:
        """Everything `/galosh/v1/status` tells about models; JSON-able."""
        owner = self._ruling()
        level = Level.NONE if self._manners is None else self._manners.level
        facts = report(owner, self.wanted, level)
        facts["uptime_seconds"] = self._clock.monotonic_seconds() - self.started_seconds
        facts["queue_limit"] = self._limits.waiting
        facts["threads"] = self._threads.value
        return facts

    # --- owner.Hooks ---

    def wish(self, model: StoredModel) -> LoadWish:
        """See Hooks."""
        wanted = self.wanted.context_tokens if self.wanted.model_id == model.id else None
        context = wanted or self._settings.number("model.context_tokens")
        if model.context_length:
            context = min(context, model.context_length)
        override = self._settings.flag("model.memory_override")
        return LoadWish(model, context, self._threads.value or 1, override=override)

    def loaded(self, model_id: str) -> None:
        """See Hooks."""
        same = self.wanted.model_id == model_id
        context = self.wanted.context_tokens if same else None
        self._stood = Wanted(model_id, context)
        self._set_wanted(replace(self._stood, paused=self.wanted.paused))

    def not_loaded(self, model_id: str) -> None:
        """See Hooks."""
        wanted, stood = self.wanted, self._stood
        if wanted.model_id != model_id:
            return
        if wanted.previous is not None:
            self._set_wanted(Wanted(wanted.previous, paused=wanted.paused))
        elif stood.model_id == model_id:  # with another context
            self._set_wanted(replace(stood, paused=wanted.paused))

    def answered(self, launch: Launch) -> None:
        """See Hooks."""
        confirm, build_id = launch.answered, launch.build_id or ""
        if confirm is None or build_id in self._confirmed:
            return
        self._confirmed.add(build_id)

        def told() -> None:
            try:
                confirm()
            except Exception as error:
                _LOG.warning("the engine was not confirmed: %s", error)

        asyncio.get_running_loop().run_in_executor(None, told)

    # --- within ---

    def _current(self) -> Settings:
        return self._settings

    def _patience(self) -> Patience:
        rest, unload = "model.idle_rest_seconds", "model.idle_unload_seconds"
        return Patience(float(self._settings.get(rest)), float(self._settings.get(unload)))

    def _ruling(self) -> Owner:
        if self._owner is None:
            raise RuntimeError("the supervisor was not started")
        return self._owner

    def _set_wanted(self, wanted: Wanted) -> None:
        if wanted != self.wanted:
            self.wanted = wanted
            self._wanted_file.save_soon(wanted)

    def _end_running(self) -> None:
        owner = self._ruling()
        owner.post(lambda: owner.end_running(GaloshError("supervisor-answer-ended")))

    async def _find(self, model_id: str) -> StoredModel:
        model = await asyncio.to_thread(self.store.get, model_id)
        if model.problem is not None:
            raise GaloshError("supervisor-model-broken", model_id=model.id, reason=model.problem)
        if model.template.problem is not None:
            raise model.template.problem
        return model

    async def _choose(self, model_id: str | None) -> StoredModel:
        """The model a request is for, checked, with everything a load of it needs."""
        await self._know_threads()
        if model_id is not None:
            return await self._find(model_id)
        if self.wanted.model_id is not None:
            try:
                return await self._find(self.wanted.model_id)
            except GaloshError as error:
                if error.code != "store-model-unknown":
                    raise
        preferred = self._settings.text("model.default")
        model = await asyncio.to_thread(self.store.default, preferred)
        if model is None:
            raise GaloshError("supervisor-no-model")
        return model

    async def _know_threads(self) -> None:
        if await self._threads.look(self._settings):
            owner, count = self._ruling(), self._threads.value or 1
            owner.post(lambda: owner.set_threads(count))

    async def _model_ready(
        self, model: StoredModel, *, named: bool = True, anew: bool = False
    ) -> LoadedModel:
        loaded = await self._wish(Kind.MODEL, model, named=named, anew=anew)
        assert loaded is not None
        return loaded

    async def _wish(
        self, kind: Kind, model: StoredModel | None, *, named: bool = True, anew: bool = False
    ) -> LoadedModel | None:
        owner = self._ruling()
        future: asyncio.Future[LoadedModel | None] = asyncio.get_running_loop().create_future()
        model_id = None if model is None else model.id
        demand = Demand(next(self._numbers), kind, model_id)
        ticket = Ticket(demand, model, future=future, named=named, anew=anew)
        owner.post(lambda: owner.submit(ticket))
        try:
            return await future
        finally:
            if not future.done() or future.cancelled():
                owner.post(lambda: owner.abandon(ticket))

    async def _serve(self, ticket: Ticket) -> AsyncGenerator[object, None]:
        owner, stream = self._ruling(), ticket.stream
        assert stream is not None
        owner.post(lambda: owner.submit(ticket))
        limit_seconds = self._limits.line_seconds
        patience = asyncio.get_running_loop().call_later(
            limit_seconds, lambda: owner.post(lambda: owner.end_waiting(ticket, limit_seconds))
        )
        try:
            async for item in stream:
                yield item
        finally:
            patience.cancel()
            if not stream.ended:
                stream.end()
                owner.post(lambda: owner.abandon(ticket))

    async def _ask(self, kind: str, words: Mapping[str, object], model_id: str | None) -> object:
        """What the worker says to a question that is not for an answer in words."""
        model = await self._choose(model_id)

        def frame(_: StoredModel, request_id: str) -> Mapping[str, object]:
            return {**words, "type": kind, "id": request_id}

        demand = Demand(next(self._numbers), Kind.ANSWER, model.id, Priority.NORMAL)
        ticket = Ticket(demand, model, stream=Stream(4), frame=frame)
        async with aclosing(self._serve(ticket)) as items:
            found = [item async for item in items if not isinstance(item, (Notice, Queued))]
        return found[-1]


def _frame(request: GenerationRequest, model: StoredModel, name: str) -> Mapping[str, object]:
    return request.with_defaults(model.sampler, model.system).frame(name)
