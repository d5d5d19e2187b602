"""Who goes next, and what the worker slot must do for it. Pure.

Demands wait in one line: questions (they count against the limit), wishes for a model,
wishes to unload. Higher priority first, then the oldest. The worker gets as many questions
as it has places (`free`); a swap happens only between answers. The line never reorders
within a priority, so nobody starves behind younger ones of the same kind.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from galosh.supervisor.request import Priority
from galosh.supervisor.state import State


class Kind(enum.Enum):
    """What is demanded."""

    ANSWER = "answer"  # a request for the worker; needs the model and a place in it
    MODEL = "model"  # the model shall stand ready
    UNLOAD = "unload"  # nothing shall be loaded


@dataclass(frozen=True)
class Demand:
    """One place in the line. `number` counts up as they come."""

    number: int
    kind: Kind
    model_id: str | None
    priority: Priority = Priority.NORMAL


class Action(enum.Enum):
    """What to do now; NOTHING means wait for the next event."""

    NOTHING = "nothing"
    START = "start"  # start a worker for the head's model
    STOP = "stop"  # end the worker (or the wait for a restart)
    SEND = "send"  # give the head to the worker
    FULFIL = "fulfil"  # the head has what it asked for


def in_order(line: Sequence[Demand]) -> tuple[Demand, ...]:
    """The line as it will be served."""
    return tuple(sorted(line, key=lambda demand: (-demand.priority, demand.number)))


def has_room(line: Sequence[Demand], limit: int) -> bool:
    """Whether one more question may wait."""
    return sum(demand.kind is Kind.ANSWER for demand in line) < limit


def place(line: Sequence[Demand], number: int) -> int | None:
    """How many questions go before the one with this number; None when it does not wait."""
    before = 0
    for demand in in_order(line):
        if demand.number == number:
            return before
        before += demand.kind is Kind.ANSWER
    return None


def decide(state: State, model_id: str | None, line: Sequence[Demand], free: int = 1) -> Action:
    """The next action.

    model_id: whose worker the slot holds (or held, in BACKOFF). free: how many more
    questions the worker takes at a time.
    """
    if not line:
        return Action.NOTHING
    head = in_order(line)[0]
    if state in (State.NO_MODEL, State.FAILED):
        return Action.FULFIL if head.kind is Kind.UNLOAD else Action.START
    if state is State.READY:
        if head.kind is Kind.UNLOAD or head.model_id != model_id:
            return Action.STOP
        return Action.SEND if head.kind is Kind.ANSWER else Action.FULFIL
    if state is State.BUSY:
        return _while_busy(head, model_id, free)
    if state in (State.STARTING, State.LOADING, State.BACKOFF):
        return _while_under_way(head, model_id, line)
    return Action.NOTHING  # RESTING, UNLOADING and KILLING end by themselves


def _while_busy(head: Demand, model_id: str | None, free: int) -> Action:
    """Others are served beside the running answers; what needs another model waits for them."""
    if head.kind is Kind.UNLOAD or head.model_id != model_id:
        return Action.NOTHING
    if head.kind is Kind.MODEL:
        return Action.FULFIL
    return Action.SEND if free > 0 else Action.NOTHING


def _while_under_way(head: Demand, model_id: str | None, line: Sequence[Demand]) -> Action:
    """A start that nobody in the line waits for any more gives way."""
    if head.kind is Kind.UNLOAD:
        return Action.STOP
    still_wanted = any(
        demand.model_id == model_id and demand.kind is not Kind.UNLOAD for demand in line
    )
    return Action.NOTHING if still_wanted else Action.STOP
