"""How far an idle model gives its memory back, and when. Pure.

Three stages before which it is AWAKE: BUFFERS (its working memory; back in an instant),
MODEL (the weights too; back as fast as the file is read) and GONE (no process at all). What
was read is saved first, so that waking costs no second reading of a long prompt.

Rules:
- without pressure idle time alone decides: BUFFERS, after five times as long MODEL, and GONE;
- some pressure: at once BUFFERS, and MODEL when nobody has asked for ten seconds;
- hard pressure: GONE at once; an answer under way may end within `GRACE_SECONDS`, then it is
  ended (its words so far are the asker's), because the desktop would stutter until it ended;
- a stage is never taken back by rest itself: only a question wakes a model.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from galosh.supervisor.pressure import Level

GRACE_SECONDS = 1.0
_MODEL_TIMES = 5
_SOME_MODEL_SECONDS = 10.0


class Stage(enum.IntEnum):
    """What an idle model still holds; the names of the middle two are the worker's."""

    AWAKE = 0
    BUFFERS = 1
    MODEL = 2
    GONE = 3


@dataclass(frozen=True)
class Patience:
    """Idle seconds until a model rests and until its process ends; 0: never."""

    rest_seconds: float
    unload_seconds: float

    def steps(self, level: Level) -> tuple[tuple[float, Stage], ...]:
        """(idle seconds, stage) in the order they come, at this pressure."""
        if level is Level.HARD:
            return ((0.0, Stage.GONE),)
        steps = []
        if level is Level.SOME:
            steps = [(0.0, Stage.BUFFERS), (_SOME_MODEL_SECONDS, Stage.MODEL)]
        elif self.rest_seconds > 0:
            steps = [
                (self.rest_seconds, Stage.BUFFERS),
                (self.rest_seconds * _MODEL_TIMES, Stage.MODEL),
            ]
        if self.unload_seconds > 0:
            steps.append((self.unload_seconds, Stage.GONE))
        return tuple(steps)


def wanted_stage(level: Level, idle_seconds: float, patience: Patience) -> Stage:
    """How far a model that has been idle this long shall have gone."""
    reached = [stage for after, stage in patience.steps(level) if idle_seconds >= after]
    return max(reached, default=Stage.AWAKE)


def next_look_seconds(level: Level, idle_seconds: float, patience: Patience) -> float | None:
    """In how many seconds the answer may change; None: not by time alone."""
    waits = [after - idle_seconds for after, _ in patience.steps(level) if after > idle_seconds]
    return min(waits, default=None)
