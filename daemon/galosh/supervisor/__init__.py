"""The supervisor: keeps one model answering, whatever native code does.

A caller wishes (a model, an answer, quiet); the owner loop decides what the one worker slot
does next; the slot starts, loads, watches and ends worker processes. Pure rules: `state`
(the slot's states), `schedule` (who goes next), `restart` (whether to try again), `crash`
(why a process ended), `replies` (what a worker may say).
"""

from __future__ import annotations

from galosh.supervisor.bus import BusEvent, EventBus
from galosh.supervisor.launch import Launch
from galosh.supervisor.limits import Limits
from galosh.supervisor.request import (
    Done,
    GenerationRequest,
    LoadedModel,
    Started,
    TextPiece,
)
from galosh.supervisor.supervisor import Supervisor

__all__ = [
    "BusEvent",
    "Done",
    "EventBus",
    "GenerationRequest",
    "Launch",
    "Limits",
    "LoadedModel",
    "Started",
    "Supervisor",
    "TextPiece",
]
