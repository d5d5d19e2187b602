"""The owner: the one place that decides what the worker slot does next.

Everything that happens (a demand, a reply, an end, a deadline) is posted to one inbox and
handled by one task, in order, each handler in one go without waiting. After every handler
the pure `schedule.decide` says what to do next. Reading the owner's fields to report is
fine anywhere; only handlers change them.

After a death the model comes back by itself (`_restore`), and so does the earlier model when
its successor could not be loaded (`_fallback`); demands in the line go before either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.store import StoredModel
from galosh.supervisor.bus import EventBus
from galosh.supervisor.crash import Cause
from galosh.supervisor.deaths import Deaths
from galosh.supervisor.launch import Launch, Launcher
from galosh.supervisor.leftover import Ledger
from galosh.supervisor.limits import Limits
from galosh.supervisor.process import Worker
from galosh.supervisor.replies import AnyReply
from galosh.supervisor.request import Queued
from galosh.supervisor.restart import Death
from galosh.supervisor.running import Running
from galosh.supervisor.schedule import Action, Demand, Kind, decide, has_room, in_order, place
from galosh.supervisor.slot import Gone, LoadPlan, Slot
from galosh.supervisor.state import State
from galosh.supervisor.ticket import Ticket

_LOG = logging.getLogger("galosh.supervisor")
# More moves than this beside one per demand, without an event, would be a loop in the rules.
_MOVES_LIMIT = 8


class Hooks(Protocol):
    """What the owner needs from its supervisor; called in the event loop, must not block."""

    def plan(self, model: StoredModel) -> LoadPlan:
        """How to load this model."""

    def loaded(self, model_id: str) -> None:
        """This model stands ready."""

    def not_loaded(self, model_id: str) -> None:
        """This model was given up before it ever stood ready."""

    def answered(self, launch: Launch) -> None:
        """A worker of this launch has given a whole answer."""

    def idle_unload_seconds(self) -> float:
        """Idle time after which the model is unloaded; 0: never."""


class Owner:
    """See the module."""

    def __init__(
        self,
        hooks: Hooks,
        launcher: Launcher,
        ledger: Ledger,
        bus: EventBus,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._hooks = hooks
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._inbox: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._line: dict[int, Ticket] = {}
        self._idle: asyncio.TimerHandle | None = None
        self._fallback: StoredModel | None = None
        self._restore: StoredModel | None = None
        self._stopping = self._ended = False
        self.deaths = Deaths(limits.restart)
        self.slot = Slot(self, launcher, ledger, bus, clock, limits)
        self.running = Running(bus, self.slot.watchdog, limits)

    @property
    def waiting(self) -> int:
        """Questions in line."""
        return sum(ticket.demand.kind is Kind.ANSWER for ticket in self._line.values())

    # --- posted from outside ---

    def post(self, handler: Callable[[], None]) -> None:
        """Have the owner do this when its turn comes; at once when it has ended."""
        if self._ended:
            self._handle(handler)  # all that is left to do is to say no
        else:
            self._inbox.put_nowait(handler)

    async def run(self) -> None:
        """Handle the inbox until `end` has been."""
        while not (self._ended and self._inbox.empty()):
            self._handle(await self._inbox.get())

    def end(self) -> None:
        """Make `run` return, once all that was posted is handled."""
        self._ended = True

    def _handle(self, handler: Callable[[], None]) -> None:
        try:
            handler()
            self._advance()
        except Exception:
            # A defect here must not take the daemon's other parts along.
            _LOG.exception("a handler of the owner failed")

    def submit(self, ticket: Ticket) -> None:
        """A new demand joins the line, or fails at once."""
        demand = ticket.demand
        error = None if demand.model_id is None else self.deaths.bad(demand.model_id)
        if self._stopping:
            error = GaloshError("supervisor-stopping")
        elif demand.kind is Kind.ANSWER:
            room = self._limits.waiting + (self.running.ticket is None)
            if not has_room(self._demands(), room):
                error = GaloshError("supervisor-queue-full", waiting=self.waiting)
        if error is not None:
            ticket.fail(error)
        else:
            self._line[demand.number] = ticket

    def abandon(self, ticket: Ticket) -> None:
        """Nobody waits for this demand any more."""
        ticket.abandoned = True
        self._line.pop(ticket.demand.number, None)
        if self.running.ticket is ticket and self.slot.worker is not None:
            self.running.cancel(self.slot.worker)

    def end_running(self, error: GaloshError) -> None:
        """End the running answer with this error, for a demand that cannot wait."""
        ticket = self.running.ticket
        if ticket is not None:
            ticket.fail(error)
            self.abandon(ticket)

    def stop(self) -> None:
        """End everything; the worker's `finished` tells when its process is reaped."""
        self._stopping = True
        self._restore = self._fallback = None
        self._stop_idle_timer()
        for ticket in (*self._line.values(), *self.running.take()):
            ticket.fail(GaloshError("supervisor-stopping"))
        self._line.clear()
        self.slot.stop()

    # --- what the slot shall do ---

    def _demands(self) -> tuple[Demand, ...]:
        return tuple(ticket.demand for ticket in self._line.values())

    def _advance(self) -> None:
        for _ in range(_MOVES_LIMIT + len(self._line)):
            line = self._demands()
            if not line and self._restore is not None:
                line = (Demand(0, Kind.MODEL, self._restore.id),)
            action = decide(self.slot.state, self.slot.model_id, line)
            if action is Action.NOTHING:
                break
            self._act(action, in_order(line)[0])
        else:
            _LOG.error("the rules do not settle in state %s", self.slot.state.value)
        self._set_idle_timer()
        self._announce_places()

    def _act(self, action: Action, head: Demand) -> None:
        ticket = self._line.get(head.number)
        if action is Action.START:
            model = self._restore if ticket is None else ticket.model
            assert model is not None
            self.slot.start(model)
        elif action is Action.STOP:
            self._make_way(head)
        elif ticket is None:
            self._restore = None
        else:
            del self._line[head.number]
            self._serve(action, ticket)

    def _make_way(self, head: Demand) -> None:
        if head.kind is Kind.UNLOAD:
            self._fallback = self._restore = None
        elif self.slot.state is State.READY:
            self._fallback = self.slot.model
        self.slot.stop()

    def _serve(self, action: Action, ticket: Ticket) -> None:
        worker = self.slot.worker
        if action is Action.FULFIL:
            ticket.fulfil(self.slot.loaded if ticket.demand.kind is Kind.MODEL else None)
        elif worker is not None and self.running.begin(ticket, worker):
            self.slot.sent()

    # --- from the slot (Keeper) ---

    def plan(self, model: StoredModel) -> LoadPlan:
        """See Keeper."""
        return self._hooks.plan(model)

    def loaded(self, model: StoredModel) -> None:
        """See Keeper."""
        self._fallback = None
        if self._restore is not None and self._restore.id == model.id:
            self._restore = None
        self.deaths.has_loaded(model.id)
        self._hooks.loaded(model.id)

    def heard(self, reply: AnyReply, worker: Worker) -> bool:
        """See Keeper."""
        answers = self.running.answers
        ended = self.running.hear(reply, worker)
        if self.running.answers > answers and self.slot.model is not None:
            self.deaths.forgive(self.slot.model.id)
            if worker.launch is not None:
                self._hooks.answered(worker.launch)
        return ended

    def silent(self, error: GaloshError) -> None:
        """See Keeper."""
        for ticket in self.running.take():
            ticket.fail(error)

    def unloaded(self) -> None:
        """See Keeper."""

    def gone(self, gone: Gone) -> None:
        """See Keeper."""
        model, crash = gone.model, gone.crash
        for ticket in self.running.take():
            # One that was not even begun may be innocent: it gets a second try, not a third.
            unread = not ticket.begun and ticket.sent_times == 1 and not ticket.abandoned
            if unread and crash.cause is not Cause.MEMORY:
                self._line[ticket.demand.number] = ticket
            else:
                ticket.fail(gone.error)
        if gone.stated:
            self._give_up(gone)
            return
        self._bus.publish(
            "worker.died",
            model_id=model.id,
            cause=crash.cause.value,
            signal=crash.signal,
            line=crash.line,
            loading=gone.loading,
        )
        now = self._clock.monotonic_seconds()
        verdict = self.deaths.record(model.id, Death(now, gone.loading, crash.own_fault))
        if verdict.bad:
            self._mark_bad(gone)
        if verdict.delay_seconds is None:
            self._give_up(gone)
        else:
            # What the system ended for want of memory comes back only for somebody who asks.
            if crash.cause is not Cause.MEMORY and not self._stopping:
                self._restore = model
            self.slot.retry_in(verdict.delay_seconds)

    def _mark_bad(self, gone: Gone) -> None:
        facts = {**gone.error.facts, "deaths": self.deaths.count(gone.model.id)}
        self.deaths.mark_bad(gone.model.id, GaloshError("supervisor-model-bad", **facts))

    def _give_up(self, gone: Gone) -> None:
        """The model is not tried again by itself; those who wait for it hear why."""
        self.slot.give_up(gone.error)
        self._restore, self._fallback = self._fallback, None
        for number, ticket in tuple(self._line.items()):
            if ticket.demand.model_id == gone.model.id:
                del self._line[number]
                ticket.fail(gone.error)
        if gone.loading:
            self._hooks.not_loaded(gone.model.id)
        self._bus.publish(
            "model.failed",
            model_id=gone.model.id,
            error=gone.error.to_json(),
            restored=None if self._restore is None else self._restore.id,
        )

    # --- idle time and places ---

    def settings_changed(self) -> None:
        """Idle time counts anew by what the user wants now."""
        self._stop_idle_timer()

    def _set_idle_timer(self) -> None:
        seconds = self._hooks.idle_unload_seconds()
        if self.slot.state is not State.READY or self._line or seconds <= 0:
            self._stop_idle_timer()
        elif self._idle is None and not self._stopping:
            self._idle = asyncio.get_running_loop().call_later(
                seconds, lambda: self.post(self._on_idle)
            )

    def _stop_idle_timer(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _on_idle(self) -> None:
        if self._idle is not None and self.slot.state is State.READY and not self._line:
            self._idle = None
            self.slot.stop()

    def _announce_places(self) -> None:
        demands = self._demands()
        for ticket in self._line.values():
            now = place(demands, ticket.demand.number)
            if ticket.announce and ticket.stream is not None and now != ticket.announced_place:
                ticket.announced_place = now
                ticket.stream.put(Queued(now or 0))
