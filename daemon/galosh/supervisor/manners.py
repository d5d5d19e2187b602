"""Gives a model's memory back: in time when nobody asks, at once when others need it.

Owns the watch on memory pressure (open only while a worker holds memory) and the one timer
for the next look. The rules are `idle` and `pressure`; what is done is the owner's to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from galosh.base.errors import GaloshError
from galosh.supervisor import idle
from galosh.supervisor.bus import EventBus
from galosh.supervisor.idle import Patience, Stage
from galosh.supervisor.owner import Owner
from galosh.supervisor.pressure import CALM_SECONDS, Level, Signs, level_of
from galosh.supervisor.state import State


class PressureWatch(Protocol):
    """What a system can tell about memory pressure; one module per system."""

    def open(self, tell: Callable[[Signs], None]) -> None:
        """Call `tell` in the event loop at every sign of pressure, from now on."""

    def close(self) -> None:
        """No more."""

    def now(self) -> Signs:
        """The memory at this moment."""


class Manners:
    """See the module. Lives in the owner's task."""

    def __init__(
        self,
        owner: Owner,
        bus: EventBus,
        watch: PressureWatch,
        patience: Callable[[], Patience],
    ) -> None:
        self._owner = owner
        self._bus = bus
        self._watch = watch
        self._patience = patience
        self._open = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since: float | None = None
        self._hard_since: float | None = None
        self._sign_seconds = 0.0
        self.level = Level.NONE

    def settled(self) -> None:
        """The owner has done what was to do: keep the watch, and see whether to rest."""
        if self._owner.has_worker is not self._open:
            self._open = not self._open
            if self._open:
                self._watch.open(lambda signs: self._owner.post(lambda: self._on_signs(signs)))
            else:
                self.close()
        self._look()

    def is_tight(self) -> bool:
        """Whether memory is under any pressure."""
        return self.level is not Level.NONE

    def close(self) -> None:
        """Watch nothing."""
        self._watch.close()
        self._stop_timer()
        self._open = False
        self.level, self._idle_since, self._hard_since = Level.NONE, None, None

    def _on_signs(self, signs: Signs) -> None:
        if not self._open:
            return
        now = self._now()
        level = level_of(signs)
        self._sign_seconds = now
        if level > self.level:
            self._change(level, signs)
        if level is Level.HARD and self._hard_since is None:
            self._hard_since = now

    def _calm_down(self) -> None:
        """Some time after the last sign: only the memory itself can say that it is not over."""
        signs = self._watch.now()
        self._sign_seconds = self._now()
        level = level_of(signs)
        if level is not Level.HARD:
            self._hard_since = None
        if level is not self.level:
            self._change(level, signs)

    def _change(self, level: Level, signs: Signs) -> None:
        self.level = level
        self._bus.publish(
            "memory.pressure", level=level.name.lower(), available_bytes=signs.available_bytes
        )

    # --- the next look ---

    def _look(self) -> None:
        slot, now = self._owner.slot, self._now()
        self._stop_timer()
        if not self._open:
            return
        if slot.state not in (State.READY, State.RESTING):
            self._idle_since = None
        waits: list[float] = []
        if self.level is not Level.NONE:
            waits.append(self._sign_seconds + CALM_SECONDS - now)
        if slot.state is State.READY and not len(self._owner.line):
            if self._idle_since is None:
                self._idle_since = now
            idle_seconds = now - self._idle_since
            self._rest(idle.wanted_stage(self.level, idle_seconds, self._patience()))
            wait = idle.next_look_seconds(self.level, idle_seconds, self._patience())
            waits += [] if wait is None else [wait]
        elif slot.state is State.BUSY and self._hard_since is not None:
            left = self._hard_since + idle.GRACE_SECONDS - now
            if left > 0:
                waits.append(left)
            else:
                self._owner.end_running(GaloshError("supervisor-memory-pressure"))
        if waits:
            # A timer that is a tick early must not come round at once, again and again.
            self._timer = asyncio.get_running_loop().call_later(
                max(0.01, min(waits) + 0.002), lambda: self._owner.post(self._on_timer)
            )

    def _rest(self, stage: Stage) -> None:
        slot = self._owner.slot
        if stage <= slot.rest_asked:
            return
        if stage is Stage.GONE:
            slot.stop()
        else:
            slot.rest(stage)

    def _on_timer(self) -> None:
        if self.level is not Level.NONE and self._now() >= self._sign_seconds + CALM_SECONDS:
            self._calm_down()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now(self) -> float:
        return self._owner.tools.clock.monotonic_seconds()
