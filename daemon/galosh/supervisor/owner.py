"""The owner: the one place that decides what the worker slot does next.

Everything that happens (a demand, a reply, an end, a deadline) is posted to one inbox and
handled by one task, in order, each handler in one go without waiting; only an answer's words,
which change nothing it decides on, go by where nothing waits. After every handler the pure
`schedule.decide` says what to do next. Reading the owner's fields to report is fine anywhere;
only handlers change them.

After a death the model comes back by itself (`_restore`), and so does the earlier model when
its successor could not be loaded (`_fallback`); demands in the line go before either. A
successor is loaded beside the model in use where both fit (`hand_over`), else after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from galosh.base.errors import GaloshError
from galosh.store import StoredModel
from galosh.supervisor.crash import Cause
from galosh.supervisor.deaths import Deaths
from galosh.supervisor.fate import Fate, fate_of
from galosh.supervisor.hand_over import HandOver
from galosh.supervisor.idle import Stage
from galosh.supervisor.launch import Launch
from galosh.supervisor.line import Line
from galosh.supervisor.load_plan import LoadWish
from galosh.supervisor.request import Notice
from galosh.supervisor.restart import Death
from galosh.supervisor.schedule import Action, Demand, Kind, decide, has_room, in_order, place
from galosh.supervisor.slot import Gone, Slot, Tools
from galosh.supervisor.stand_in import StandIn
from galosh.supervisor.state import ALIVE, State
from galosh.supervisor.ticket import Ticket

_LOG = logging.getLogger("galosh.supervisor")
# More moves than this beside one per demand, without an event, would be a loop in the rules.
_MOVES_LIMIT = 8
# No model's id holds a blank.
ANEW = "anew"


class Hooks(Protocol):
    """What the owner needs from its supervisor; called in the event loop, must not block."""

    def wish(self, model: StoredModel) -> LoadWish:
        """How this model is wanted to be loaded."""

    def loaded(self, model_id: str) -> None:
        """This model stands ready."""

    def not_loaded(self, model_id: str) -> None:
        """This model was given up before it ever stood ready."""

    def answered(self, launch: Launch) -> None:
        """A worker of this launch has given a whole answer."""


class Owner:
    """See the module."""

    def __init__(self, hooks: Hooks, tools: Tools) -> None:
        self._hooks = hooks
        self.tools = tools
        self._bus = tools.bus
        self._inbox: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self.line = Line()
        self._fallback: StoredModel | None = None
        self._restore: StoredModel | None = None
        self._stopping = self._ended = False
        self._below_bytes: dict[str, int] = {}
        self.paused = False
        self.notice: Notice | None = None
        self.settled: Callable[[], None] = lambda: None
        self.is_tight: Callable[[], bool] = lambda: False
        self.deaths = Deaths(tools.limits.restart)
        self.slot = Slot(self, tools)
        self.hand_over = HandOver(self)
        self.stand_in = StandIn(tools.clock)

    # --- posted from outside ---

    def post(self, handler: Callable[[], None]) -> None:
        """Have the owner do this when its turn comes; at once when it has ended."""
        if self._ended:
            self._handle(handler)  # all that is left to do is to say no
        else:
            self._inbox.put_nowait(handler)

    @property
    def posted(self) -> bool:
        """Whether something waits for its turn."""
        return not self._inbox.empty()

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
        self.stand_in.offer(ticket, self.slot, self.line)
        demand = ticket.demand
        error = None if demand.model_id is None else self.deaths.bad(demand.model_id)
        if self._stopping:
            error = GaloshError("supervisor-stopping")
        elif self.paused and demand.kind is not Kind.UNLOAD:
            error = GaloshError("supervisor-paused")
        elif demand.kind is Kind.ANSWER:
            room = self.tools.limits.waiting + (self.slot.places or 0)
            if not has_room(self.line.demands, room):
                error = GaloshError("supervisor-queue-full", waiting=self.line.questions)
        if error is not None:
            ticket.fail(error)
        else:
            self.line.add(ticket)

    def abandon(self, ticket: Ticket) -> None:
        """Nobody waits for this demand any more."""
        ticket.abandoned = True
        self.line.take(ticket.demand)
        for slot in self.slots:
            if slot.worker is not None:
                slot.running.cancel(ticket, slot.worker)

    def end_waiting(self, ticket: Ticket, waited_seconds: float) -> None:
        """Whoever is still in line has waited long enough; one that is served is let be."""
        if self.line.get(ticket.demand) is ticket:
            before = place(self.line.demands, ticket.demand.number)
            self.line.take(ticket.demand)
            ticket.fail(
                GaloshError(
                    "supervisor-waited-too-long", waited_seconds=waited_seconds, before=before or 0
                )
            )

    def end_running(self, error: GaloshError) -> None:
        """End the running answers with this error, for a demand that cannot wait."""
        for slot in self.slots:
            for ticket in slot.running.tickets:
                ticket.fail(error)
                self.abandon(ticket)

    def set_threads(self, count: int) -> None:
        """Have what is loaded compute with as many threads, from the next token on."""
        for slot in self.slots:
            slot.set_threads(count)

    def pause(self, *, paused: bool) -> None:
        """Refuse every question, or take them again."""
        self.paused = paused
        if paused:
            self._restore = self._fallback = None
            error = GaloshError("supervisor-paused")
            self.line.fail(error, lambda ticket: ticket.demand.kind is not Kind.UNLOAD)
            self.end_running(error)
        self._bus.publish("models.paused", paused=paused)

    def stop(self) -> None:
        """End everything; the workers' `finished` tells when their processes are reaped."""
        self._stopping = True
        self._restore = self._fallback = None
        error = GaloshError("supervisor-stopping")
        self.line.fail(error, lambda _: True)
        for slot in self.slots:
            for ticket in slot.running.tickets:
                ticket.fail(error)
            slot.stop()

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every slot that may hold a worker, the one in use first."""
        return (self.slot, *self.hand_over.slots)

    # --- what the slot shall do ---

    def _advance(self) -> None:
        for _ in range(_MOVES_LIMIT + len(self.line)):
            line = self.hand_over.beside(tuple(self._as_meant(ticket) for ticket in self.line))
            if not line and self._restore is not None and self.hand_over.coming_id is None:
                line = (Demand(0, Kind.MODEL, self._restore.id),)
            action = decide(self.slot.state, self.slot.model_id, line, self.slot.places)
            if action is Action.NOTHING or not self._may(action, in_order(line)[0]):
                break
            self._act(action, in_order(line)[0])
        else:
            _LOG.error("the rules do not settle in state %s", self.slot.state.value)
        self.line.announce_places(len(self.slot.running))
        self.settled()

    def _as_meant(self, ticket: Ticket) -> Demand:
        """Its demand; the model in use counts as another one where it shall be loaded anew."""
        slot, demand, model = self.slot, ticket.demand, ticket.model
        stands = slot.state in (State.READY, State.BUSY, State.RESTING)
        if model is None or slot.model is None or not stands or slot.model_id != model.id:
            return demand
        # A template that was edited or chosen meanwhile counts from the next question on.
        retold = model.template != slot.model.template
        if not retold and (not ticket.anew or self._hooks.wish(model).same_as(slot.wish)):
            return demand
        return replace(demand, model_id=f"{model.id} {ANEW}")

    def _may(self, action: Action, head: Demand) -> bool:
        """No worker is started, and nothing counts as unloaded, while one that goes still
        holds its memory."""
        if head.kind is Kind.UNLOAD and action is Action.FULFIL:
            return not self.hand_over.slots
        return action not in (Action.START, Action.STOP) or self.hand_over.leaving is None

    def _act(self, action: Action, head: Demand) -> None:
        ticket = self.line.get(head)
        if action is Action.START:
            model = self._restore if ticket is None else ticket.model
            assert model is not None
            self.slot.start(self.wish(model))
        elif action is Action.STOP:
            self._make_way(head)
        elif ticket is None:
            self._restore = None
        elif action is Action.SEND and self.slot.stage is Stage.MODEL and self.is_tight():
            # Waking asks nobody whether there is room; a start does.
            self.slot.stop()
        else:
            self.line.take(head)
            if action is Action.SEND:
                self.slot.send(ticket)
            else:
                ticket.fulfil(self.slot.loaded if head.kind is Kind.MODEL else None)

    def wish(self, model: StoredModel, *, beside: Slot | None = None) -> LoadWish:
        """How this model is wanted to be loaded, by those who wait for it."""
        tickets = [ticket for ticket in self.line if ticket.demand.model_id == model.id]
        usual = self._hooks.wish(model)
        held = None if beside is None else beside.held_bytes
        return replace(
            usual,
            below_bytes=self._below_bytes.get(model.id),
            beside_bytes=held,
            awaited=any(ticket.demand.kind is Kind.ANSWER for ticket in tickets),
            stands_in=bool(tickets) and all(ticket.stands_in for ticket in tickets),
            override=usual.override or any(ticket.override_memory for ticket in tickets),
        )

    def _make_way(self, head: Demand) -> None:
        if head.kind is Kind.UNLOAD:
            self._fallback = self._restore = None
        elif self.slot.state is State.READY:
            self._fallback = self.slot.model
        self.slot.stop()

    # --- from the slot in use (Keeper) ---

    def loaded(self, slot: Slot) -> None:
        """See Keeper."""
        model, wish = slot.model, slot.wish
        assert model is not None
        self._fallback = None
        if self._restore is not None and self._restore.id == model.id:
            self._restore = None
        self.deaths.has_loaded(model.id)
        self.hand_over.forgive()
        stands_in = wish is not None and wish.stands_in
        self.notice = self.stand_in.notice if stands_in else slot.notice
        if slot.notice is not None:
            self.line.tell(slot.notice, model.id)
        if self.notice is not None:
            self._bus.publish("model.notice", **self.notice.to_json())
        if not stands_in:
            self._hooks.loaded(model.id)

    def freed(self, slot: Slot, *, whole: bool) -> None:
        """See Keeper."""
        if whole and slot.model is not None:
            self.deaths.forgive(slot.model.id)
            if slot.worker is not None and slot.worker.launch is not None:
                self._hooks.answered(slot.worker.launch)

    def unloaded(self, slot: Slot) -> None:
        """See Keeper."""

    def gone(self, slot: Slot, gone: Gone) -> None:
        """See Keeper."""
        self.settle_tickets(gone)
        if gone.stated:
            self._give_up(slot, gone)
            return
        verdict = self.record_death(gone)
        model, cause = gone.model, gone.crash.cause
        if verdict is None:
            self._give_up(slot, gone)
        else:
            # What the system ended for want of memory comes back only for somebody who asks,
            # and so does what died while it was giving memory back.
            if cause is not Cause.MEMORY and not gone.rested and not self._stopping:
                self._restore = model
            slot.retry_in(verdict)

    def settle_tickets(self, gone: Gone) -> None:
        """Those the dead worker was answering wait again, or hear why not."""
        for ticket in gone.tickets:
            fate = fate_of(
                gone.crash.cause,
                begun=ticket.begun,
                wrote=ticket.wrote,
                sent_times=ticket.sent_times,
            )
            if ticket.abandoned or self._stopping or fate is Fate.FAIL:
                ticket.fail(gone.error)
            elif fate is Fate.CUT:
                ticket.fail(GaloshError("supervisor-answer-cut", model_id=gone.model.id))
            else:
                self.line.add(ticket)
                if gone.crash.cause is Cause.MEMORY:
                    notice = Notice("supervisor.notice-again", {"model": gone.model.title})
                    ticket.tell(notice)
                    self._bus.publish("model.notice", **notice.to_json())

    def record_death(self, gone: Gone) -> float | None:
        """Note a death; seconds until the next try, None for no more."""
        model, crash = gone.model, gone.crash
        self._bus.publish(
            "worker.died",
            model_id=model.id,
            cause=crash.cause.value,
            signal=crash.signal,
            line=crash.line,
            loading=gone.loading,
        )
        plan = gone.plan
        own_fault = crash.own_fault
        if crash.cause is Cause.MEMORY and plan is not None and plan.lasting_bytes is not None:
            self._below_bytes[model.id] = plan.lasting_bytes
            own_fault = False  # of its settings, which are smaller next time
        now = self.tools.clock.monotonic_seconds()
        verdict = self.deaths.record(model.id, Death(now, gone.loading, own_fault))
        if verdict.bad:
            facts = {**gone.error.facts, "deaths": self.deaths.count(model.id)}
            self.deaths.mark_bad(model.id, GaloshError("supervisor-model-bad", **facts))
        return verdict.delay_seconds

    def forgive(self, model_id: str) -> None:
        """The user asks for this model by name: a clean slate."""
        self.deaths.forgive(model_id)
        self._below_bytes.pop(model_id, None)
        self.hand_over.forgive()
        self.stand_in.forget()

    def _give_up(self, slot: Slot, gone: Gone) -> None:
        """The model is not tried again by itself; those who wait for it hear why."""
        slot.give_up(gone.error)
        self._restore, self._fallback = self._fallback, None
        self.fail_for(gone, None if self._restore is None else self._restore.id)

    def fail_for(self, gone: Gone, restored: str | None) -> None:
        """Everybody who waits for this model hears why it is not there, or gets a smaller one."""
        again = restored == gone.model.id  # as it was before: only what was wanted anew fails
        if not again:
            self.stand_in.replace(gone, self.line)
        self.line.fail(
            gone.error,
            lambda ticket: ticket.demand.model_id == gone.model.id and (ticket.anew or not again),
        )
        if gone.loading:
            self._hooks.not_loaded(gone.model.id)
        self._bus.publish(
            "model.failed",
            model_id=gone.model.id,
            error=gone.error.to_json(),
            restored=restored,
        )

    # --- a hand-over ---

    def promote(self, slot: Slot) -> None:
        """The successor is in use from now on."""
        self._restore = None
        self.slot, slot.keeper = slot, self
        self.loaded(slot)

    @property
    def may_hand_over(self) -> bool:
        """Whether there is a model in use that a successor could be loaded beside."""
        return self.slot.state in (State.READY, State.BUSY) and not self._stopping

    @property
    def has_worker(self) -> bool:
        """Whether any process holds memory."""
        return any(slot.state in ALIVE for slot in self.slots)
