"""Who goes next, and what the slot does for it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galosh.supervisor.request import Priority
from galosh.supervisor.schedule import Action, Demand, Kind, decide, has_room, in_order, place
from galosh.supervisor.state import ALIVE, TABLE, Signal, State


def answer(number: int, model_id: str = "a", priority: Priority = Priority.NORMAL) -> Demand:
    return Demand(number, Kind.ANSWER, model_id, priority)


UNLOAD = Demand(9, Kind.UNLOAD, None)
WISH_A, WISH_B = Demand(7, Kind.MODEL, "a"), Demand(8, Kind.MODEL, "b")

demands = st.builds(
    Demand,
    st.integers(1, 99),
    st.sampled_from(Kind),
    st.sampled_from(["a", "b"]),
    st.sampled_from(Priority),
)
lines = st.lists(demands, max_size=6, unique_by=lambda demand: demand.number)


@pytest.mark.parametrize(
    ("state", "model_id", "line", "action"),
    [
        (State.NO_MODEL, None, [], Action.NOTHING),
        (State.NO_MODEL, None, [answer(1)], Action.START),
        (State.NO_MODEL, None, [UNLOAD], Action.FULFIL),
        (State.FAILED, "a", [answer(1)], Action.START),
        (State.READY, "a", [answer(1)], Action.SEND),
        (State.READY, "a", [WISH_A], Action.FULFIL),
        (State.READY, "a", [WISH_B], Action.STOP),
        (State.READY, "a", [answer(1, "b")], Action.STOP),
        (State.READY, "a", [UNLOAD], Action.STOP),
        (State.BUSY, "a", [WISH_B], Action.NOTHING),
        (State.BUSY, "a", [UNLOAD], Action.NOTHING),
        (State.LOADING, "a", [answer(1)], Action.NOTHING),
        (State.LOADING, "a", [WISH_B], Action.STOP),
        (State.LOADING, "a", [answer(1, "b", Priority.INTERACTIVE), answer(2)], Action.NOTHING),
        (State.STARTING, "a", [UNLOAD], Action.STOP),
        (State.BACKOFF, "a", [answer(1)], Action.NOTHING),
        (State.BACKOFF, "a", [answer(1, "b")], Action.STOP),
        (State.UNLOADING, "a", [answer(1)], Action.NOTHING),
        (State.KILLING, "a", [answer(1)], Action.NOTHING),
    ],
)
def test_what_is_done(
    state: State, model_id: str | None, line: list[Demand], action: Action
) -> None:
    assert decide(state, model_id, line) is action


@pytest.mark.parametrize(
    ("line", "free", "action"),
    [
        ([answer(1)], 2, Action.SEND),
        ([answer(1)], 0, Action.NOTHING),
        ([WISH_A], 0, Action.FULFIL),
        ([WISH_B, answer(9)], 2, Action.NOTHING),  # nobody overtakes who waits for a swap
        ([WISH_B, answer(9, priority=Priority.INTERACTIVE)], 2, Action.SEND),
        ([UNLOAD, answer(10)], 2, Action.NOTHING),
    ],
)
def test_beside_running_answers(line: list[Demand], free: int, action: Action) -> None:
    assert decide(State.BUSY, "a", line, free) is action


def test_the_quick_prompt_goes_first_and_the_rest_in_order() -> None:
    line = [answer(3), answer(1), answer(4, priority=Priority.INTERACTIVE), answer(2)]
    assert [demand.number for demand in in_order(line)] == [4, 1, 2, 3]
    assert [place(line, number) for number in (4, 1, 2, 3, 5)] == [0, 1, 2, 3, None]


def test_only_questions_count_against_the_limit() -> None:
    line = [answer(1), answer(2), WISH_A, UNLOAD]
    assert has_room(line, 3)
    assert not has_room(line, 2)


@given(st.sampled_from(State), st.sampled_from(["a", "b"]), lines, st.integers(0, 4))
def test_every_action_fits_the_state(
    state: State, model_id: str, line: list[Demand], free: int
) -> None:
    action = decide(state, model_id, line, free)
    allowed = {
        Action.START: TABLE[state][Signal.START] is not None,
        Action.STOP: TABLE[state][Signal.STOP] is not None,
        Action.SEND: TABLE[state][Signal.SENT] is not None,
        Action.FULFIL: state in (State.READY, State.BUSY, State.NO_MODEL, State.FAILED),
        Action.NOTHING: True,
    }
    assert allowed[action]


@given(lines)
def test_an_idle_slot_never_leaves_a_demand_waiting(line: list[Demand]) -> None:
    for state in (State.NO_MODEL, State.FAILED, State.READY):
        assert (decide(state, "a", line) is Action.NOTHING) is (not line)


@given(lines)
def test_the_order_is_the_same_however_they_came(line: list[Demand]) -> None:
    for shuffled in itertools.islice(itertools.permutations(line), 24):
        assert in_order(shuffled) == in_order(line)


def test_busy_waits_are_ended_by_an_event() -> None:
    """Where nothing is done although somebody waits, a worker is there to change that."""
    waiting = {s for s in State if decide(s, "a", [answer(1)], 0) is Action.NOTHING}
    assert waiting <= ALIVE | {State.BACKOFF}
