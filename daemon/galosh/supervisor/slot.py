"""The worker slot: one model, one process, one state.

Owns the state and every move of it, the worker's start, handshake, load and end, and the
deadlines on the way. Tells its keeper (the owner) what came of it; never decides who goes
next. All methods run in the owner's task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.store import StoredModel
from galosh.supervisor.bus import EventBus
from galosh.supervisor.crash import Cause, Crash, ExitFacts, classify
from galosh.supervisor.explain import explain
from galosh.supervisor.launch import Launcher
from galosh.supervisor.leftover import Ledger
from galosh.supervisor.limits import Limits
from galosh.supervisor.process import Worker
from galosh.supervisor.replies import (
    AnyReply,
    Fatal,
    Hello,
    Loaded,
    LoadFailed,
    LoadProgress,
    stated_error,
)
from galosh.supervisor.request import LoadedModel
from galosh.supervisor.state import ALIVE, Signal, State, next_state
from galosh.supervisor.watchdog import Watchdog
from galosh.worker.frames import PROTOCOL


@dataclass(frozen=True)
class LoadPlan:
    """How a model is to be loaded."""

    context_tokens: int
    threads: int


@dataclass(frozen=True)
class Gone:
    """A worker that ended without being asked to.

    stated: the reason in so many words, where there is one (then trying again is no use);
    else `crash` and `error` tell what was found out.
    """

    model: StoredModel
    loading: bool
    crash: Crash
    error: GaloshError
    stated: bool


class Keeper(Protocol):
    """Who the slot reports to."""

    def post(self, handler: Callable[[], None]) -> None:
        """Run this in the owner's task."""

    def plan(self, model: StoredModel) -> LoadPlan:
        """How to load this model."""

    def loaded(self, model: StoredModel) -> None:
        """The model stands ready."""

    def heard(self, reply: AnyReply, worker: Worker) -> bool:
        """A reply while an answer is written; True when that has ended."""

    def silent(self, error: GaloshError) -> None:
        """The worker is being killed for its silence."""

    def gone(self, gone: Gone) -> None:
        """The worker died; the slot stands in BACKOFF."""

    def unloaded(self) -> None:
        """The worker that was told to go is gone."""


class Slot:
    """See the module."""

    def __init__(
        self,
        keeper: Keeper,
        launcher: Launcher,
        ledger: Ledger,
        bus: EventBus,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._keeper = keeper
        self._launcher = launcher
        self._ledger = ledger
        self._bus = bus
        self._limits = limits
        self._refusal: GaloshError | None = None
        self._silent_seconds: float | None = None
        self._retry: asyncio.TimerHandle | None = None
        self.watchdog = Watchdog(clock, lambda limit: keeper.post(lambda: self._on_silence(limit)))
        self.state = State.NO_MODEL
        self.model: StoredModel | None = None
        self.loaded: LoadedModel | None = None
        self.plan: LoadPlan | None = None
        self.worker: Worker | None = None
        self.engine_system: str | None = None
        self.progress: float | None = None
        self.failure: GaloshError | None = None

    @property
    def model_id(self) -> str | None:
        """Whose worker the slot holds, or held until it died."""
        return None if self.model is None else self.model.id

    def start(self, model: StoredModel) -> None:
        """Start a worker for this model."""
        self._apply(Signal.START)
        self.model = model
        self._refusal = self._silent_seconds = self.failure = None
        self.progress = 0.0
        self.worker = Worker(self._launcher, self, self._ledger, self._limits)
        self.worker.start()
        self.watchdog.arm(self._limits.hello_seconds)
        self._bus.publish("model.loading", model_id=model.id, title=model.title)

    def stop(self) -> None:
        """Have no worker; `Keeper.unloaded` tells when it is gone, if there is one now."""
        if self.state is State.BACKOFF:
            self._leave_backoff(Signal.STOP)
        elif self.state in ALIVE:
            self._apply(Signal.STOP)
            self.watchdog.disarm()
            assert self.worker is not None
            self.worker.close()

    def sent(self) -> None:
        """A request is with the worker."""
        self._apply(Signal.SENT)

    def retry_in(self, seconds: float) -> None:
        """Leave BACKOFF after this time."""
        self._retry = asyncio.get_running_loop().call_later(
            seconds, lambda: self._keeper.post(self._on_retry)
        )

    def give_up(self, error: GaloshError) -> None:
        """Leave BACKOFF with a reason instead."""
        self._apply(Signal.GIVE_UP)
        self.failure = error

    def _apply(self, signal: Signal) -> None:
        self.state = next_state(self.state, signal)

    def _on_retry(self) -> None:
        if self.state is State.BACKOFF:
            self._leave_backoff(Signal.RETRY)

    def _leave_backoff(self, signal: Signal) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._apply(signal)
        self.model = None

    # --- from the worker (process.Listener) ---

    def on_reply(self, worker: Worker, reply: AnyReply) -> None:
        """See Listener."""
        self._keeper.post(lambda: self._on_reply(worker, reply))

    def on_condemned(self, worker: Worker) -> None:
        """See Listener."""
        self._keeper.post(lambda: self._on_condemned(worker))

    def on_gone(self, worker: Worker, facts: ExitFacts, error: GaloshError | None) -> None:
        """See Listener."""
        self._keeper.post(lambda: self._on_gone(worker, facts, error))

    def _on_reply(self, worker: Worker, reply: AnyReply) -> None:
        if worker is not self.worker:
            return
        if isinstance(reply, Fatal):
            if self.state in (State.STARTING, State.LOADING):
                self._refuse(worker, stated_error(reply.code, reply.facts))
        elif self.state is State.BUSY:
            if self._keeper.heard(reply, worker):
                self.watchdog.disarm()
                self._apply(Signal.ENDED)
        elif self.state is State.STARTING and isinstance(reply, Hello):
            self._on_hello(worker, reply)
        elif self.state is State.LOADING:
            self._on_loading(worker, reply)

    def _on_hello(self, worker: Worker, hello: Hello) -> None:
        if hello.protocol != PROTOCOL:
            theirs = hello.protocol
            error = GaloshError("supervisor-worker-version", theirs=theirs, ours=PROTOCOL)
            self._refuse(worker, error)
            return
        assert self.model is not None
        self.engine_system = hello.system
        self.plan = plan = self._keeper.plan(self.model)
        worker.send(
            {
                "type": "load",
                "path": str(self.model.path),
                "context_tokens": plan.context_tokens,
                "threads": plan.threads,
            }
        )
        self._apply(Signal.HELLO)
        self.watchdog.arm(self._limits.load_silence_seconds)

    def _on_loading(self, worker: Worker, reply: AnyReply) -> None:
        assert self.model is not None
        if isinstance(reply, LoadProgress):
            self._on_progress(reply.fraction)
        elif isinstance(reply, LoadFailed):
            facts = {**reply.facts, "model_id": self.model.id, "why": reply.why}
            self._refuse(worker, stated_error(reply.code, facts))
        elif isinstance(reply, Loaded):
            self._on_loaded(self.model, reply)

    def _on_progress(self, fraction: float) -> None:
        self.watchdog.feed()
        # One event per percent is enough for any bar.
        if int(fraction * 100) > int((self.progress or 0.0) * 100):
            self._bus.publish("model.progress", model_id=self.model_id, fraction=round(fraction, 2))
        self.progress = fraction

    def _on_loaded(self, model: StoredModel, reply: Loaded) -> None:
        self.watchdog.disarm()
        self._apply(Signal.LOADED)
        self.progress = None
        self.loaded = LoadedModel(
            model_id=model.id,
            title=model.title,
            context_tokens=reply.context_tokens,
            context_train=reply.context_train,
            memory_bytes=reply.memory_bytes,
            load_seconds=reply.load_seconds,
            template=reply.template,
        )
        self._bus.publish(
            "model.ready",
            model_id=model.id,
            title=model.title,
            context_tokens=reply.context_tokens,
            load_seconds=reply.load_seconds,
        )
        self._keeper.loaded(model)

    def _refuse(self, worker: Worker, error: GaloshError) -> None:
        """The worker cannot serve, and said why: it has nothing more to do."""
        self._refusal = error
        self._apply(Signal.CONDEMN)
        self.watchdog.disarm()
        worker.condemn(Cause.ASKED)

    def _on_condemned(self, worker: Worker) -> None:
        if worker is self.worker and self.state is not State.UNLOADING:
            self._apply(Signal.CONDEMN)
            self.watchdog.disarm()

    def _on_silence(self, limit_seconds: float) -> None:
        if self.state not in (State.STARTING, State.LOADING, State.BUSY):
            return
        assert self.worker is not None
        self._silent_seconds = limit_seconds
        self._keeper.silent(self._explain(Crash(Cause.SILENT, "–", None)))
        self._apply(Signal.CONDEMN)
        self.worker.condemn(Cause.SILENT)

    def _on_gone(self, worker: Worker, facts: ExitFacts, error: GaloshError | None) -> None:
        if worker is not self.worker:
            return
        before, model = self.state, self.model
        assert model is not None
        crash = classify(facts)
        found = self._explain(crash)
        stated = error or self._refusal or (found if facts.status is None else None)
        loading = self.loaded is None
        self.watchdog.disarm()
        self._apply(Signal.GONE)
        self.worker = self.loaded = self.progress = None
        if before is State.UNLOADING:
            self.model = None
            self._bus.publish("model.unloaded", model_id=model.id)
            self._keeper.unloaded()
        else:
            self._keeper.gone(Gone(model, loading, crash, stated or found, stated is not None))

    def _explain(self, crash: Crash) -> GaloshError:
        return explain(
            crash,
            self.model_id or "",
            loading=self.loaded is None,
            silent_seconds=self._silent_seconds,
        )
