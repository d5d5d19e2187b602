"""Every limit of the supervisor in one place. Pure. Seconds are of the monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from galosh.supervisor.restart import RestartRules


@dataclass(frozen=True)
class Limits:
    """What the supervisor allows before it acts.

    hello_seconds: a cold disk and an antivirus may read half the engine before Python runs.
    load_silence_seconds: without progress while loading; a slow disk still moves.
    silence_seconds: without any event while answering. prefill_seconds_per_token is added
    for every prompt token until the first word, since reading is one silent step.
    cancel_seconds: until a cancelled request must have ended, or the worker goes.
    rest_seconds: until memory that was asked back must have been given.
    exit_seconds, terminate_seconds: patience with each step of the way out; the first
    includes saving what was read (two seconds at most).
    waiting: questions in line beside the one being answered.
    line_seconds: in line; whoever has waited so long hears that it will not be soon.
    unread_events: pieces an answer may have ahead of its reader.
    """

    hello_seconds: float = 60.0
    load_silence_seconds: float = 180.0
    silence_seconds: float = 60.0
    prefill_seconds_per_token: float = 0.5
    cancel_seconds: float = 10.0
    rest_seconds: float = 15.0
    exit_seconds: float = 4.0
    terminate_seconds: float = 2.0
    waiting: int = 8
    line_seconds: float = 1800.0
    unread_events: int = 8192
    restart: RestartRules = field(default_factory=RestartRules)
