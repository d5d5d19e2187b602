"""The worker slot: one model, one process, one state.

Owns the state and every move of it, the worker's admission, start, handshake, load, rest and
end, the answers it writes, and the deadlines on the way. Tells its keeper what came of it;
never decides who goes next. All methods run in the owner's task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.store import StoredModel
from galosh.supervisor.admission import Admission
from galosh.supervisor.bus import EventBus
from galosh.supervisor.crash import Cause, Crash, ExitFacts, classify
from galosh.supervisor.explain import explain
from galosh.supervisor.idle import Stage
from galosh.supervisor.launch import Launch, Launcher
from galosh.supervisor.leftover import Ledger
from galosh.supervisor.limits import Limits
from galosh.supervisor.load_plan import Admitted, LoadPlan, LoadWish
from galosh.supervisor.process import Worker
from galosh.supervisor.replies import (
    AnyReply,
    Failed,
    Fatal,
    Hello,
    Loaded,
    LoadFailed,
    LoadProgress,
    Rested,
    Text,
    stated_error,
)
from galosh.supervisor.request import LoadedModel, Notice
from galosh.supervisor.running import Running, Tally
from galosh.supervisor.speed_record import SpeedRecord
from galosh.supervisor.state import ALIVE, Signal, State, next_state
from galosh.supervisor.ticket import Ticket
from galosh.supervisor.watchdog import Watchdog
from galosh.worker.frames import PROTOCOL

_LOG = logging.getLogger("galosh.supervisor")
_WATCHED = (State.STARTING, State.LOADING, State.BUSY, State.RESTING)


@dataclass
class Tools:
    """What every slot is given."""

    launcher: Launcher
    ledger: Ledger
    admission: Admission
    bus: EventBus
    clock: Clock
    limits: Limits
    tally: Tally
    record: SpeedRecord | None = None


@dataclass(frozen=True)
class Gone:
    """A worker that ended without being asked to.

    stated: the reason in so many words, where there is one (then trying again is no use);
    else `crash` and `error` tell what was found out. tickets: what it was answering. plan:
    how it was loaded; None when it did not come to that. rested: it had given memory back.
    """

    model: StoredModel
    loading: bool
    crash: Crash
    error: GaloshError
    stated: bool
    tickets: tuple[Ticket, ...] = ()
    plan: LoadPlan | None = None
    rested: bool = False


class Keeper(Protocol):
    """Who the slot reports to."""

    def post(self, handler: Callable[[], None]) -> None:
        """Run this in the owner's task."""

    @property
    def posted(self) -> bool:
        """Whether something waits for the owner's task."""

    def loaded(self, slot: Slot) -> None:
        """The model stands ready."""

    def freed(self, slot: Slot, *, whole: bool) -> None:
        """An answer has ended; whole: with all its words."""

    def gone(self, slot: Slot, gone: Gone) -> None:
        """The worker died; the slot stands in BACKOFF."""

    def unloaded(self, slot: Slot) -> None:
        """The worker that was told to go is gone."""


class Slot:
    """See the module."""

    def __init__(self, keeper: Keeper, tools: Tools) -> None:
        self.keeper = keeper
        self._tools = tools
        self._bus = tools.bus
        self._limits = tools.limits
        self._retry: asyncio.TimerHandle | None = None
        self._silent_seconds: float | None = None
        self._refusal: GaloshError | None = None
        self._admitted: Admitted | None = None
        self.watchdog = Watchdog(tools.clock, lambda limit: self._silence(limit, None))
        self.running = Running(tools.bus, tools.clock, tools.limits, tools.tally, self._silence)
        self.state = State.NO_MODEL
        self.stage = Stage.AWAKE  # how far it has rested
        self.rest_asked = Stage.AWAKE
        self.wish: LoadWish | None = None
        self.model: StoredModel | None = None
        self.loaded: LoadedModel | None = None
        self.plan: LoadPlan | None = None
        self.worker: Worker | None = None
        self.engine_system: str | None = None
        self.progress: float | None = None
        self.memory_bytes: int | None = None
        self.failure: GaloshError | None = None

    @property
    def model_id(self) -> str | None:
        """Whose worker the slot holds, or held until it died."""
        return None if self.model is None else self.model.id

    @property
    def places(self) -> int:
        """How many more questions the worker takes now."""
        most = 1 if self.loaded is None else self.loaded.sequences
        return max(0, most - len(self.running))

    @property
    def held_bytes(self) -> int:
        """What its going would give back, as far as that is known."""
        return (self.plan.lasting_bytes if self.plan else None) or self.memory_bytes or 0

    @property
    def notice(self) -> Notice | None:
        """What was given up so that the model fits."""
        return None if self._admitted is None else self._admitted.notice

    # --- asked for ---

    def start(self, wish: LoadWish) -> None:
        """Start a worker for this model, if there is room for it."""
        self._apply(Signal.START)
        self.wish, self.model = wish, wish.model
        self._refusal = self._silent_seconds = self.failure = self._admitted = None
        self.stage = self.rest_asked = Stage.AWAKE
        self.progress = 0.0
        tools = self._tools
        admit = partial(self._admit, wish)
        self.worker = Worker(tools.launcher, admit, self, tools.ledger, self._limits)
        self.worker.start()
        self.watchdog.arm(self._limits.hello_seconds)
        if wish.beside_bytes is None:
            self._tell_loading(wish)

    def _tell_loading(self, wish: LoadWish) -> None:
        self._bus.publish("model.loading", model_id=wish.model.id, title=wish.model.title)

    def _admit(self, wish: LoadWish, launch: Launch) -> None:
        """In a thread, while the process starts."""
        self._admitted = self._tools.admission.admit(wish, launch.build_id)

    def stop(self) -> None:
        """Have no worker; `Keeper.unloaded` tells when it is gone, if there is one now."""
        if self.state is State.BACKOFF:
            self._leave_backoff(Signal.STOP)
        elif self.state in ALIVE:
            self._apply(Signal.STOP)
            self.watchdog.disarm()
            assert self.worker is not None
            self.worker.close()

    def send(self, ticket: Ticket) -> bool:
        """Give a question to the worker; False when it could not be written down."""
        assert self.worker is not None
        if not self.running.begin(ticket, self.worker):
            return False
        self._apply(Signal.SENT)
        self.stage = self.rest_asked = Stage.AWAKE
        return True

    def rest(self, stage: Stage) -> None:
        """Have an idle worker give memory back, this far."""
        self._apply(Signal.REST)
        self.rest_asked = stage  # also where it refuses: asking again would change nothing
        assert self.worker is not None
        self.worker.send({"type": "rest", "id": "rest", "stage": stage.name.lower()})
        self.watchdog.arm(self._limits.rest_seconds)

    def set_threads(self, count: int) -> None:
        """Have the worker compute with as many threads, and the next one too."""
        if self.wish is not None:
            self.wish = replace(self.wish, threads=count)
        if self.plan is not None:
            self.plan = replace(self.plan, threads=count)
        if self.worker is not None:
            self.worker.send({"type": "threads", "count": count})

    def refuse(self, error: GaloshError) -> None:
        """End a worker that turned out to be of no use."""
        assert self.worker is not None
        self._refuse(self.worker, error)

    def retry_in(self, seconds: float) -> None:
        """Leave BACKOFF after this time."""
        self._retry = asyncio.get_running_loop().call_later(
            seconds, lambda: self.keeper.post(self._on_retry)
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
        if isinstance(reply, Text) and worker is self.worker and not self.keeper.posted:
            # Words change nothing that the owner decides on: they need no turn of its own.
            self.running.hear(reply, worker)
        else:
            self.keeper.post(lambda: self._on_reply(worker, reply))

    def on_condemned(self, worker: Worker) -> None:
        """See Listener."""
        self.keeper.post(lambda: self._on_condemned(worker))

    def on_gone(self, worker: Worker, facts: ExitFacts, error: GaloshError | None) -> None:
        """See Listener."""
        self.keeper.post(lambda: self._on_gone(worker, facts, error))

    def _on_reply(self, worker: Worker, reply: AnyReply) -> None:
        if worker is not self.worker:
            return
        if isinstance(reply, Fatal):
            if self.state in (State.STARTING, State.LOADING):
                self._refuse(worker, stated_error(reply.code, reply.facts))
        elif self.state is State.BUSY:
            self._on_answering(worker, reply)
        elif self.state is State.STARTING and isinstance(reply, Hello):
            self._on_hello(worker, reply)
        elif self.state is State.LOADING:
            self._on_loading(worker, reply)
        elif self.state is State.RESTING and isinstance(reply, (Rested, Failed)):
            self._on_rested(reply)

    def _on_answering(self, worker: Worker, reply: AnyReply) -> None:
        before, together = self._tools.tally.answers, len(self.running)
        if self.running.hear(reply, worker):
            if self._tools.tally.answers > before:
                self._record(worker.launch, together)
            if not len(self.running):
                self._apply(Signal.ENDED)
            self.keeper.freed(self, whole=self._tools.tally.answers > before)

    def _record(self, launch: Launch | None, together: int) -> None:
        """The last answer's times, for later forecasts."""
        record, done = self._tools.record, self._tools.tally.last
        if record and done and launch and self.plan and self.model:
            record.tell(self.model.path, launch.build_id, self.plan, done, together)

    def _on_hello(self, worker: Worker, hello: Hello) -> None:
        if hello.protocol != PROTOCOL:
            theirs = hello.protocol
            error = GaloshError("supervisor-worker-version", theirs=theirs, ours=PROTOCOL)
            self._refuse(worker, error)
            return
        wish, model = self.wish, self.model
        assert wish is not None
        assert model is not None
        assert self._admitted is not None
        self.engine_system = hello.system
        if wish.beside_bytes is not None:
            self._tell_loading(wish)  # not before there was room for it
        self.plan = plan = self._admitted.plan
        worker.send({**plan.frame(model.path), "awaited": wish.awaited})
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
        self.memory_bytes = reply.memory_bytes
        _LOG.info("worker of %s kept in by: %s", model.id, ", ".join(reply.confined) or "nothing")
        self.loaded = LoadedModel(
            model_id=model.id,
            title=model.title,
            context_tokens=reply.context_tokens,
            context_train=reply.context_train,
            memory_bytes=reply.memory_bytes,
            load_seconds=reply.load_seconds,
            template=reply.template,
            sequences=reply.sequences or 1,
            draft_id=self.plan.draft_id if self.plan and reply.draft_model else None,
            draft_error=reply.draft_refused or (self.plan.draft_error if self.plan else None),
        )
        self._bus.publish(
            "model.ready",
            model_id=model.id,
            title=model.title,
            context_tokens=reply.context_tokens,
            load_seconds=reply.load_seconds,
        )
        self.keeper.loaded(self)

    def _on_rested(self, reply: Rested | Failed) -> None:
        self.watchdog.disarm()
        self._apply(Signal.RESTED)
        if isinstance(reply, Rested):
            self.stage = self.rest_asked
            self.memory_bytes = reply.memory_bytes
            self._bus.publish(
                "model.rested",
                model_id=self.model_id,
                stage=reply.stage,
                memory_bytes=reply.memory_bytes,
            )

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

    def _silence(self, limit_seconds: float, ticket: Ticket | None) -> None:
        worker = self.worker
        self.keeper.post(lambda: self._on_silence(worker, limit_seconds, ticket))

    def _on_silence(
        self, worker: Worker | None, limit_seconds: float, ticket: Ticket | None
    ) -> None:
        if worker is None or worker is not self.worker or self.state not in _WATCHED:
            return
        self._silent_seconds = limit_seconds
        if ticket is not None:  # the others hear of it when the process is gone
            ticket.fail(self._explain(Crash(Cause.SILENT, "–", None)))
        self._apply(Signal.CONDEMN)
        worker.condemn(Cause.SILENT)

    def _on_gone(self, worker: Worker, facts: ExitFacts, error: GaloshError | None) -> None:
        if worker is not self.worker:
            return
        before, model = self.state, self.model
        assert model is not None
        crash = classify(facts)
        found = self._explain(crash)
        stated = error or self._refusal or (found if facts.status is None else None)
        loading, plan, tickets = self.loaded is None, self.plan, self.running.take()
        self.watchdog.disarm()
        self._apply(Signal.GONE)
        self.worker = self.loaded = self.progress = self.plan = self.memory_bytes = None
        if before is State.UNLOADING:
            self.model = None
            for ticket in tickets:
                ticket.fail(GaloshError("supervisor-answer-ended"))
            self._bus.publish("model.unloaded", model_id=model.id)
            self.keeper.unloaded(self)
        else:
            why = stated or found
            rested = self.rest_asked is not Stage.AWAKE
            gone = Gone(model, loading, crash, why, stated is not None, tickets, plan, rested)
            self.keeper.gone(self, gone)

    def _explain(self, crash: Crash) -> GaloshError:
        return explain(
            crash,
            self.model_id or "",
            loading=self.loaded is None,
            silent_seconds=self._silent_seconds,
        )
