"""The line of demands that wait, with all that is needed to serve each.

Owns who is in it and what each was last told of its place. Never decides what is done next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from galosh.base.errors import GaloshError
from galosh.store import StoredModel
from galosh.supervisor.request import Notice, Queued
from galosh.supervisor.schedule import Demand, Kind, place
from galosh.supervisor.ticket import Ticket


class Line:
    """See the module."""

    def __init__(self) -> None:
        self._tickets: dict[int, Ticket] = {}

    def __len__(self) -> int:
        return len(self._tickets)

    def __iter__(self) -> Iterator[Ticket]:
        return iter(tuple(self._tickets.values()))

    @property
    def demands(self) -> tuple[Demand, ...]:
        """What the pure rules look at."""
        return tuple(ticket.demand for ticket in self._tickets.values())

    @property
    def questions(self) -> int:
        """How many questions wait."""
        return sum(ticket.demand.kind is Kind.ANSWER for ticket in self._tickets.values())

    def add(self, ticket: Ticket) -> None:
        """It waits from now on (again, at its old place)."""
        self._tickets[ticket.demand.number] = ticket

    def get(self, demand: Demand) -> Ticket | None:
        """Who made this demand; None for one of the owner's own."""
        return self._tickets.get(demand.number)

    def take(self, demand: Demand) -> Ticket | None:
        """It waits no longer."""
        return self._tickets.pop(demand.number, None)

    def fail(self, error: GaloshError, which: Callable[[Ticket], bool]) -> None:
        """These hear `error` and wait no longer."""
        for ticket in self:
            if which(ticket):
                del self._tickets[ticket.demand.number]
                ticket.fail(error)

    def rebind(self, ticket: Ticket, model: StoredModel) -> None:
        """Another model answers this one."""
        ticket.demand = replace(ticket.demand, model_id=model.id)
        ticket.model, ticket.stands_in = model, True

    def tell(self, notice: Notice, model_id: str) -> None:
        """Everybody who waits for this model reads this."""
        for ticket in self:
            if ticket.demand.model_id == model_id:
                ticket.tell(notice)

    def announce_places(self, running: int) -> None:
        """Those who want to know hear of a new place; `running` answers are under way."""
        demands = self.demands
        for ticket in self:
            now = place(demands, ticket.demand.number)
            if ticket.announce and ticket.stream is not None and now != ticket.announced_place:
                ticket.announced_place = now
                ticket.stream.put(Queued(now or 0, running))
