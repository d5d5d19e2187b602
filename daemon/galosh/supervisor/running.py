"""The one answer that is being written.

Owns the pairing of a ticket with the id the worker knows it by, the patience with its
silence, and the rule that what comes under any other id is dropped. A cancelled answer stays
here, without a reader, until the worker says it has ended.
"""

from __future__ import annotations

from galosh.base.errors import GaloshError
from galosh.supervisor.bus import EventBus
from galosh.supervisor.limits import Limits
from galosh.supervisor.process import Worker
from galosh.supervisor.replies import (
    Alive,
    AnyReply,
    Begun,
    Failed,
    Finished,
    Text,
    Tokens,
    stated_error,
)
from galosh.supervisor.request import Done, Started, TextPiece, TokenCount
from galosh.supervisor.ticket import Ticket
from galosh.supervisor.watchdog import Watchdog
from galosh.worker.frames import FrameError


class Running:
    """See the module."""

    def __init__(self, bus: EventBus, watchdog: Watchdog, limits: Limits) -> None:
        self._bus = bus
        self._watchdog = watchdog
        self._limits = limits
        self._number = 0
        self._id = ""
        self._cancelled = False
        self._wrote = False
        self.ticket: Ticket | None = None
        self.last: Done | None = None  # the last whole answer
        self.answers = 0

    def begin(self, ticket: Ticket, worker: Worker) -> bool:
        """Give the ticket's frame to the worker; False when it cannot be put into a frame."""
        assert ticket.frame is not None
        self._number += 1
        self._id = f"r{self._number}"
        try:
            worker.send(ticket.frame(self._id))
        except FrameError as error:
            ticket.fail(GaloshError("supervisor-request-unsendable", reason=error.reason))
            return False
        self.ticket = ticket
        self._cancelled = self._wrote = False
        ticket.sent_times += 1
        self._watchdog.arm(self._limits.silence_seconds)
        return True

    def cancel(self, worker: Worker) -> None:
        """Tell the worker to stop; it has a short time to say that it did."""
        if self.ticket is None or self._cancelled:
            return
        self._cancelled = True
        worker.send({"type": "cancel", "id": self._id})
        self._watchdog.arm(self._limits.cancel_seconds)

    def take(self) -> tuple[Ticket, ...]:
        """The ticket, which is nobody's any more; empty when nothing runs."""
        ticket, self.ticket = self.ticket, None
        return () if ticket is None else (ticket,)

    def hear(self, reply: AnyReply, worker: Worker) -> bool:
        """Take a reply; True when the answer has ended and the worker is free."""
        if self.ticket is None or getattr(reply, "id", None) != self._id:
            return False
        if isinstance(reply, (Finished, Failed, Tokens)):
            (ticket,) = self.take()
            self._end(ticket, reply)
            return True
        if not self._cancelled:
            self._go_on(self.ticket, reply, worker)
        return False

    def _go_on(self, ticket: Ticket, reply: AnyReply, worker: Worker) -> None:
        assert ticket.stream is not None
        fits = True
        if isinstance(reply, Begun):
            ticket.begun = True
            new_tokens = max(0, reply.prompt_tokens - reply.cached_tokens)
            reading = new_tokens * self._limits.prefill_seconds_per_token
            self._watchdog.arm(self._limits.silence_seconds + reading)
            self._bus.publish("generation.started", id=self._id, prompt_tokens=reply.prompt_tokens)
            started = Started(_model_id(ticket), reply.prompt_tokens, reply.cached_tokens)
            fits = ticket.stream.put(started)
        elif isinstance(reply, Text):
            if self._wrote:
                self._watchdog.feed()
            else:
                self._wrote = True
                self._watchdog.arm(self._limits.silence_seconds)
            fits = ticket.stream.put(TextPiece(reply.text, reply.logprobs))
        elif isinstance(reply, Alive):
            self._watchdog.feed()
        if not fits:
            self._end_slow_reader(ticket)
            self.cancel(worker)

    def _end(self, ticket: Ticket, reply: Finished | Failed | Tokens) -> None:
        assert ticket.stream is not None
        if isinstance(reply, Failed):
            ticket.fail(stated_error(reply.code, reply.facts))
            self._bus.publish("generation.failed", id=self._id, code=reply.code)
            return
        last: object
        if isinstance(reply, Tokens):
            last = TokenCount(reply.count, reply.tokens)
        else:
            last = done = Done(
                model_id=_model_id(ticket),
                finish_reason=reply.finish_reason,
                prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
                cached_tokens=reply.cached_tokens,
                prefill_seconds=reply.prefill_seconds,
                decode_seconds=reply.decode_seconds,
            )
            self._note(done)
        if ticket.stream.put(last):
            ticket.stream.end()
        else:
            self._end_slow_reader(ticket)

    def _note(self, done: Done) -> None:
        if done.finish_reason != "cancelled":
            self.last = done
            self.answers += 1
        self._bus.publish(
            "generation.finished",
            id=self._id,
            model_id=done.model_id,
            finish_reason=done.finish_reason,
            completion_tokens=done.completion_tokens,
            tokens_per_second=done.tokens_per_second,
        )

    def _end_slow_reader(self, ticket: Ticket) -> None:
        unread = self._limits.unread_events
        ticket.fail(GaloshError("supervisor-reader-slow", unread_events=unread))


def _model_id(ticket: Ticket) -> str:
    return ticket.demand.model_id or ""
