"""The slot's states: the table is total, and leads nowhere strange."""

from __future__ import annotations

import pytest

from galosh.supervisor.state import ALIVE, TABLE, ImpossibleMoveError, Signal, State, next_state

PAIRS = [(state, signal) for state in State for signal in Signal]


@pytest.mark.parametrize(("state", "signal"), PAIRS)
def test_every_pair_is_decided(state: State, signal: Signal) -> None:
    found = TABLE[state][signal]
    if found is None:
        with pytest.raises(ImpossibleMoveError):
            next_state(state, signal)
    else:
        assert next_state(state, signal) is found


def test_every_state_can_be_reached_and_left() -> None:
    reached, todo = {State.NO_MODEL}, [State.NO_MODEL]
    while todo:
        for target in TABLE[todo.pop()].values():
            if target is not None and target not in reached:
                reached.add(target)
                todo.append(target)
    assert reached == set(State)


@pytest.mark.parametrize("state", sorted(ALIVE, key=str))
def test_a_worker_may_be_gone_or_be_stopped_at_any_time(state: State) -> None:
    assert next_state(state, Signal.STOP) is State.UNLOADING
    assert next_state(state, Signal.GONE) in (State.NO_MODEL, State.BACKOFF)


def test_only_a_ready_worker_gets_a_request() -> None:
    assert {s for s in State if TABLE[s][Signal.SENT]} == {State.READY, State.BUSY}


def test_only_an_empty_slot_starts_a_worker() -> None:
    assert {s for s in State if TABLE[s][Signal.START]} == {State.NO_MODEL, State.FAILED}
