"""A successor loaded beside the model in use, tried, and only then put in its place.

Owns the slot that comes and the slot that leaves; there is never one of each, so that no more
than two workers exist. Decides from the line whether to begin or to give way. Where there is
no room for both (`admission.BESIDE`), or the successor dies of want of memory beside the
other, the owner goes the other way: the old one first leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from galosh.store import StoredModel
from galosh.supervisor.admission import BESIDE
from galosh.supervisor.crash import Cause
from galosh.supervisor.request import GenerationRequest, Priority
from galosh.supervisor.schedule import Demand, Kind, in_order
from galosh.supervisor.slot import Gone, Slot
from galosh.supervisor.state import State
from galosh.supervisor.ticket import Stream, Ticket

if TYPE_CHECKING:
    from galosh.supervisor.owner import Owner

_TRIAL = GenerationRequest(prompt="Hello", max_tokens=2)
_FROM_OUTSIDE = (Cause.MEMORY, Cause.KILLED)


class HandOver:
    """See the module. It is the keeper of both its slots."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._coming: Slot | None = None
        self._coming_for: str | None = None  # by whose name the line asks for it
        self._trial: Ticket | None = None
        self._numbers = itertools.count(-1, -1)
        self._no_room_for: set[str] = set()
        self.leaving: Slot | None = None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Those it keeps."""
        return tuple(slot for slot in (self._coming, self.leaving) if slot is not None)

    @property
    def coming_id(self) -> str | None:
        """The model that is being loaded beside the one in use."""
        return None if self._coming is None else self._coming.model_id

    def forgive(self) -> None:
        """Try again beside, whatever was found before."""
        self._no_room_for.clear()

    def beside(self, line: Sequence[Demand]) -> tuple[Demand, ...]:
        """Begin, go on or give way by what the line wants; what is left for the slot in use."""
        head = in_order(line)[0] if line else None
        if self._coming is not None and not self._is_wanted(line, head):
            self._coming.stop()
        elif self._coming is None and head is not None and self._can_begin(head):
            ticket = self._owner.line.get(head)
            if ticket is not None and ticket.model is not None:
                self._begin(ticket.model, head.model_id)
        if self._coming is None:
            return tuple(line)
        return tuple(demand for demand in line if demand.model_id != self._coming_for)

    def _is_wanted(self, line: Sequence[Demand], head: Demand | None) -> bool:
        if head is not None and head.kind is Kind.UNLOAD:
            return False
        return any(demand.model_id == self._coming_for for demand in line)

    def _can_begin(self, head: Demand) -> bool:
        owner = self._owner
        if self.leaving is not None or not owner.may_hand_over or head.model_id is None:
            return False
        return head.model_id not in (owner.slot.model_id, *self._no_room_for)

    def _begin(self, model: StoredModel, name: str | None) -> None:
        self._coming_for = name
        self._coming = Slot(self, self._owner.tools)
        self._coming.start(self._owner.wish(model, beside=self._owner.slot))

    # --- Keeper ---

    def post(self, handler: Callable[[], None]) -> None:
        """See Keeper."""
        self._owner.post(handler)

    @property
    def posted(self) -> bool:
        """See Keeper."""
        return self._owner.posted

    def loaded(self, slot: Slot) -> None:
        """See Keeper."""
        model = slot.model
        assert model is not None
        demand = Demand(next(self._numbers), Kind.ANSWER, model.id, Priority.BACKGROUND)
        self._trial = Ticket(
            demand, model, stream=Stream(64), frame=lambda _, name: _TRIAL.frame(name)
        )
        slot.send(self._trial)

    def freed(self, slot: Slot, *, whole: bool) -> None:  # noqa: ARG002 - see Keeper
        """See Keeper."""
        if slot is self.leaving:
            self._let_go(slot)
            return
        trial, self._trial = self._trial, None
        assert trial is not None
        assert trial.stream is not None
        if trial.stream.error is not None:
            slot.refuse(trial.stream.error)
            return
        old, self._coming = self._owner.slot, None
        self.leaving, old.keeper = old, self
        self._owner.promote(slot)
        self._let_go(old)

    def _let_go(self, slot: Slot) -> None:
        """What it is still writing it writes to the end."""
        if slot.state is not State.BUSY:
            slot.stop()
        if slot.worker is None:
            self.leaving = None

    def unloaded(self, slot: Slot) -> None:
        """See Keeper."""
        self._forget(slot)

    def gone(self, slot: Slot, gone: Gone) -> None:
        """See Keeper."""
        was_coming, name = slot is self._coming, self._coming_for
        self._forget(slot)
        if not was_coming:
            for ticket in gone.tickets:
                ticket.fail(gone.error)
            return
        if not gone.stated:
            self._owner.record_death(gone)
        if gone.error.code == BESIDE or (not gone.stated and gone.crash.cause in _FROM_OUTSIDE):
            self._no_room_for.add(name or gone.model.id)
        else:
            self._owner.fail_for(replace(gone, loading=True), self._owner.slot.model_id)

    def _forget(self, slot: Slot) -> None:
        if slot is self._coming:
            self._coming = self._trial = None
        elif slot is self.leaving:
            self.leaving = None
