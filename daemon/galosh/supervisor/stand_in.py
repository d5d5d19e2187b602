"""A smaller model that answers while there is no room for the one that was meant.

Only for askers who named no model, and each of them is told. The shortage is not asked about
again with every question (the small model would have to go for it each time), but after a
while, or when the user chooses a model.
"""

from __future__ import annotations

from galosh.base.clock import Clock
from galosh.supervisor.admission import RefusalError
from galosh.supervisor.line import Line
from galosh.supervisor.request import Notice
from galosh.supervisor.slot import Gone, Slot
from galosh.supervisor.ticket import Ticket

_LASTS_SECONDS = 600.0


class StandIn:
    """See the module."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._meant: str | None = None
        self._until_seconds = 0.0
        self.notice: Notice | None = None

    def forget(self) -> None:
        """Ask the memory again."""
        self._meant = None

    def replace(self, gone: Gone, line: Line) -> None:
        """There was no room for a model: who did not insist on it gets the smaller one."""
        error = gone.error
        if not isinstance(error, RefusalError) or error.instead is None:
            return
        self._meant = gone.model.id
        self._until_seconds = self._clock.monotonic_seconds() + _LASTS_SECONDS
        facts = {**error.facts, "model": gone.model.title, "instead": error.instead.title}
        self.notice = Notice("supervisor.notice-instead", facts)
        for ticket in line:
            if ticket.demand.model_id == gone.model.id and not ticket.named:
                line.rebind(ticket, error.instead)
                ticket.tell(self.notice)

    def offer(self, ticket: Ticket, slot: Slot, line: Line) -> None:
        """A new question for the model there was no room for goes to the one in use."""
        model, wish = slot.model, slot.wish
        if self._meant is None or ticket.named or ticket.demand.model_id != self._meant:
            return
        if self._clock.monotonic_seconds() > self._until_seconds or self.notice is None:
            self.forget()
        elif model is not None and wish is not None and wish.stands_in:
            line.rebind(ticket, model)
            ticket.tell(self.notice)
