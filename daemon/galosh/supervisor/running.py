"""The answers that are being written, several at a time.

Owns the pairing of each ticket with the id the worker knows it by, the patience with each
one's silence, and the rule that what comes under any other id is dropped. A cancelled answer
stays here, without a reader, until the worker says it has ended.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.supervisor.bus import EventBus
from galosh.supervisor.limits import Limits
from galosh.supervisor.process import Worker
from galosh.supervisor.replies import (
    AnyReply,
    Begun,
    Detokenized,
    Embedded,
    Ending,
    Failed,
    Finished,
    Text,
    Tokens,
    Waking,
    Woken,
    stated_error,
)
from galosh.supervisor.request import (
    Done,
    Notice,
    Started,
    TextPiece,
    TokenCount,
    Vectors,
)
from galosh.supervisor.ticket import Ticket
from galosh.supervisor.watchdog import Watchdog
from galosh.worker.frames import FrameError


@dataclass
class Tally:
    """What has been answered, by whichever worker."""

    last: Done | None = None  # the last whole answer
    answers: int = 0
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))


@dataclass
class _Answer:
    ticket: Ticket
    watchdog: Watchdog
    cancelled: bool = False


class Running:
    """See the module. silent: called with the limit and the ticket that was silent so long."""

    def __init__(
        self,
        bus: EventBus,
        clock: Clock,
        limits: Limits,
        tally: Tally,
        silent: Callable[[float, Ticket], None],
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._tally = tally
        self._silent = silent
        self._answers: dict[str, _Answer] = {}

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def tickets(self) -> tuple[Ticket, ...]:
        """All that is being answered, cancelled ones too."""
        return tuple(answer.ticket for answer in self._answers.values())

    def begin(self, ticket: Ticket, worker: Worker) -> bool:
        """Give the ticket's frame to the worker; False when it cannot be put into a frame."""
        assert ticket.frame is not None
        assert ticket.model is not None
        name = f"r{next(self._tally.ids)}"
        frame = dict(ticket.frame(ticket.model, name))
        if frame["type"] == "generate":
            frame["priority"] = int(ticket.demand.priority)
        try:
            worker.send(frame)
        except FrameError as error:
            ticket.fail(GaloshError("supervisor-request-unsendable", reason=error.reason))
            return False
        ticket.sent_times += 1
        watchdog = Watchdog(self._clock, lambda limit: self._silent(limit, ticket))
        answer = self._answers[name] = _Answer(ticket, watchdog)
        answer.watchdog.arm(self._limits.silence_seconds)
        return True

    def cancel(self, ticket: Ticket, worker: Worker) -> None:
        """Tell the worker to stop; it has a short time to say that it did."""
        for name, answer in self._answers.items():
            if answer.ticket is ticket and not answer.cancelled:
                answer.cancelled = True
                worker.send({"type": "cancel", "id": name})
                answer.watchdog.arm(self._limits.cancel_seconds)

    def take(self) -> tuple[Ticket, ...]:
        """All tickets, which are nobody's any more, in the order they were sent."""
        tickets = self.tickets
        for answer in self._answers.values():
            answer.watchdog.disarm()
        self._answers.clear()
        return tickets

    def hear(self, reply: AnyReply, worker: Worker) -> bool:
        """Take a reply; True when an answer has ended by it."""
        name = getattr(reply, "id", None)
        answer = self._answers.get(name) if isinstance(name, str) else None
        if answer is None or not isinstance(name, str):
            return False
        if isinstance(reply, (Finished, Failed, Tokens, Detokenized, Embedded)):
            answer.watchdog.disarm()
            del self._answers[name]
            self._end(name, answer.ticket, reply)
            return True
        if not answer.cancelled:
            self._go_on(name, answer, reply, worker)
        return False

    def _go_on(self, name: str, answer: _Answer, reply: AnyReply, worker: Worker) -> None:
        ticket = answer.ticket
        assert ticket.stream is not None
        fits = True
        if isinstance(reply, Begun):
            fits = self._begun(name, answer, reply)
        elif isinstance(reply, Text):
            if not ticket.wrote:
                ticket.wrote = True
                answer.watchdog.arm(self._limits.silence_seconds)
            answer.watchdog.feed()
            fits = ticket.stream.put(TextPiece(reply.text, reply.logprobs))
        elif isinstance(reply, Waking):
            answer.watchdog.arm(self._limits.load_silence_seconds)
            fits = ticket.stream.put(Notice("supervisor.notice-waking"))
        elif isinstance(reply, Woken):
            answer.watchdog.arm(self._limits.silence_seconds)
        else:
            answer.watchdog.feed()
        if not fits:
            self._end_slow_reader(ticket)
            self.cancel(ticket, worker)

    def _begun(self, name: str, answer: _Answer, reply: Begun) -> bool:
        ticket = answer.ticket
        new_tokens = max(0, reply.prompt_tokens - reply.cached_tokens)
        reading = new_tokens * self._limits.prefill_seconds_per_token
        # Whoever reads beside others gets its share of the processor, not all of it.
        answer.watchdog.arm(self._limits.silence_seconds + reading * len(self._answers))
        self._bus.publish("generation.started", id=name, prompt_tokens=reply.prompt_tokens)
        if ticket.begun:
            return True  # sent a second time: its reader knows already
        ticket.begun = True
        assert ticket.stream is not None
        started = Started(
            _model_id(ticket),
            reply.prompt_tokens,
            reply.cached_tokens,
            reply.thinking,
            reply.form,
        )
        return ticket.stream.put(started)

    def _end(self, name: str, ticket: Ticket, reply: Ending) -> None:
        assert ticket.stream is not None
        if isinstance(reply, Failed):
            ticket.fail(stated_error(reply.code, reply.facts))
            self._bus.publish("generation.failed", id=name, code=reply.code)
            return
        last: object
        if isinstance(reply, Tokens):
            last = TokenCount(reply.count, reply.tokens)
        elif isinstance(reply, Detokenized):
            last = reply.text
        elif isinstance(reply, Embedded):
            last = Vectors(reply.vectors, reply.tokens, _model_id(ticket), reply.dropped_tokens)
        else:
            last = done = _done(ticket, reply)
            self._note(name, done)
        if ticket.stream.put(last):
            ticket.stream.end()
        else:
            self._end_slow_reader(ticket)

    def _note(self, name: str, done: Done) -> None:
        # One that was only read (`max_tokens` 0) is no answer and says nothing of the speed.
        if done.finish_reason != "cancelled" and done.completion_tokens:
            self._tally.last = done
            self._tally.answers += 1
        self._bus.publish(
            "generation.finished",
            id=name,
            model_id=done.model_id,
            finish_reason=done.finish_reason,
            completion_tokens=done.completion_tokens,
            tokens_per_second=done.tokens_per_second,
        )

    def _end_slow_reader(self, ticket: Ticket) -> None:
        unread = self._limits.unread_events
        ticket.fail(GaloshError("supervisor-reader-slow", unread_events=unread))


def _done(ticket: Ticket, reply: Finished) -> Done:
    facts = {name: value for name, value in vars(reply).items() if name != "id"}
    return Done(model_id=_model_id(ticket), **facts)


def _model_id(ticket: Ticket) -> str:
    return ticket.demand.model_id or ""
