"""The states of the one worker slot and the moves between them. Pure.

Rules:
- the table is total: every (state, signal) pair is listed, as a next state or as None;
- None means "cannot happen": applying it is a programming error (`ImpossibleMoveError`), so that a
  forgotten case shows at once instead of corrupting the slot;
- only the supervisor's owner loop applies signals.

    NO_MODEL -> STARTING -> LOADING -> READY <-> BUSY      the way up
    READY -> RESTING -> READY                              asked to give memory back
    (any of them) -> UNLOADING -> NO_MODEL                 asked to leave, politely
    (any of them) -> KILLING -> BACKOFF                    found silent or lying
    (any of them) -> BACKOFF -> NO_MODEL | FAILED          died by itself
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType


class State(enum.Enum):
    """What the slot is doing; the values are what status shows."""

    NO_MODEL = "no-model"
    STARTING = "starting"  # the process exists or is being made; no hello yet
    LOADING = "loading"  # hello came; the model is being read
    READY = "ready"
    BUSY = "busy"  # one request or several are with the worker
    RESTING = "resting"  # idle, and giving memory back; how far is the slot's `stage`
    UNLOADING = "unloading"  # asked to exit; not yet gone
    KILLING = "killing"  # condemned; not yet gone
    BACKOFF = "backoff"  # gone by itself; what follows is being decided or waited for
    FAILED = "failed"  # given up; the reason is kept; the next demand may try again


class Signal(enum.Enum):
    """What happens to the slot."""

    START = "start"
    HELLO = "hello"
    LOADED = "loaded"
    SENT = "sent"  # one more request is with the worker
    ENDED = "ended"  # the last of them has ended
    REST = "rest"
    RESTED = "rested"  # or refused to: it is as ready as before
    STOP = "stop"
    CONDEMN = "condemn"
    GONE = "gone"  # the process is reaped
    RETRY = "retry"
    GIVE_UP = "give-up"


class ImpossibleMoveError(AssertionError):
    """A signal came in a state that cannot get it."""


_S = State
_N: dict[Signal, State | None] = dict.fromkeys(Signal)

TABLE: Mapping[State, Mapping[Signal, State | None]] = MappingProxyType(
    {
        _S.NO_MODEL: {**_N, Signal.START: _S.STARTING, Signal.GIVE_UP: _S.FAILED},
        _S.STARTING: {
            **_N,
            Signal.HELLO: _S.LOADING,
            Signal.STOP: _S.UNLOADING,
            Signal.CONDEMN: _S.KILLING,
            Signal.GONE: _S.BACKOFF,
        },
        _S.LOADING: {
            **_N,
            Signal.LOADED: _S.READY,
            Signal.STOP: _S.UNLOADING,
            Signal.CONDEMN: _S.KILLING,
            Signal.GONE: _S.BACKOFF,
        },
        _S.READY: {
            **_N,
            Signal.SENT: _S.BUSY,
            Signal.REST: _S.RESTING,
            Signal.STOP: _S.UNLOADING,
            Signal.CONDEMN: _S.KILLING,
            Signal.GONE: _S.BACKOFF,
        },
        _S.RESTING: {
            **_N,
            Signal.RESTED: _S.READY,
            Signal.STOP: _S.UNLOADING,
            Signal.CONDEMN: _S.KILLING,
            Signal.GONE: _S.BACKOFF,
        },
        _S.BUSY: {
            **_N,
            Signal.SENT: _S.BUSY,
            Signal.ENDED: _S.READY,
            Signal.STOP: _S.UNLOADING,
            Signal.CONDEMN: _S.KILLING,
            Signal.GONE: _S.BACKOFF,
        },
        _S.UNLOADING: {**_N, Signal.STOP: _S.UNLOADING, Signal.GONE: _S.NO_MODEL},
        _S.KILLING: {
            **_N,
            Signal.STOP: _S.UNLOADING,
            Signal.CONDEMN: _S.KILLING,
            Signal.GONE: _S.BACKOFF,
        },
        _S.BACKOFF: {
            **_N,
            Signal.RETRY: _S.NO_MODEL,
            Signal.STOP: _S.NO_MODEL,
            Signal.GIVE_UP: _S.FAILED,
        },
        _S.FAILED: {**_N, Signal.START: _S.STARTING, Signal.GIVE_UP: _S.FAILED},
    }
)

ALIVE = frozenset(
    {
        _S.STARTING,
        _S.LOADING,
        _S.READY,
        _S.BUSY,
        _S.RESTING,
        _S.UNLOADING,
        _S.KILLING,
    }
)  # there is a process, or one is being made


def next_state(state: State, signal: Signal) -> State:
    """Where `signal` leads from `state`. Raises ImpossibleMoveError for a pair listed as None."""
    found = TABLE[state][signal]
    if found is None:
        raise ImpossibleMoveError(f"{signal.name} in {state.name}")
    return found
