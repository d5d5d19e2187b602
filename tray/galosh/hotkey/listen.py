"""Listens for the hotkey by the first way that this session has.

Owns the thread and the state. A change of the trigger ends one listening, which gives back its
keys, and begins another: portals allow one binding to a session, and the rest is alike then.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from galosh.base.errors import GaloshError
from galosh.hotkey.choose import NamedWay, ways
from galosh.hotkey.state import HotkeyState
from galosh.hotkey.trigger import parse
from galosh.hotkey.way import Job, Stop

_END_SECONDS = 3.0
_log = logging.getLogger("galosh.hotkey")


class Hotkey(Protocol):
    """A hotkey that is listened for."""

    @property
    def state(self) -> HotkeyState:
        """What works at this moment."""

    def change(self, trigger: str) -> None:
        """Listen for another combination; "" for none. Returns at once."""

    def close(self) -> None:
        """Give the keys back."""


def listen(
    trigger: str,
    fire: Callable[[], None],
    changed: Callable[[HotkeyState], None],
    *,
    app_id: str = "galosh",
    among: Sequence[NamedWay] | None = None,
) -> Hotkey:
    """Call `fire` when the keys are pressed, `changed` when what the desktop grants changes.

    Both are called in a thread of the hotkey's own. Never raises: what is wrong with a trigger
    is in the state. among: the ways to try, for tests; as a rule those of this session.
    """
    return _Listening(trigger, fire, changed, app_id, ways() if among is None else among)


class _Listening:
    """See Hotkey."""

    def __init__(
        self,
        trigger: str,
        fire: Callable[[], None],
        changed: Callable[[HotkeyState], None],
        app_id: str,
        among: Sequence[NamedWay],
    ) -> None:
        self._fire = fire
        self._changed = changed
        self._app_id = app_id
        self._among = among
        self._lock = threading.Lock()
        self._run: tuple[threading.Thread, Stop] | None = None
        self.state = HotkeyState("none", trigger)
        self.change(trigger)

    def change(self, trigger: str) -> None:
        """See Hotkey."""
        with self._lock:
            before = self._end()
            stop = Stop()
            thread = threading.Thread(
                target=self._listen, args=(trigger, stop, before), name="hotkey", daemon=True
            )
            self._run = (thread, stop)
            thread.start()

    def close(self) -> None:
        """See Hotkey."""
        with self._lock:
            thread = self._end()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_SECONDS)

    def _end(self) -> threading.Thread | None:
        if self._run is None:
            return None
        thread, stop = self._run
        stop.set()
        self._run = None
        return thread

    def _listen(self, wanted: str, stop: Stop, before: threading.Thread | None) -> None:
        if before is not None:
            before.join(_END_SECONDS)  # its keys must be free before we ask for ours
        try:
            self._try_ways(wanted, stop)
        finally:
            stop.close()

    def _try_ways(self, wanted: str, stop: Stop) -> None:
        if not wanted:
            self._tell(stop, HotkeyState("none", wanted))
            return
        try:
            trigger = parse(wanted)
        except GaloshError as error:
            self._tell(stop, HotkeyState("none", wanted, None, error))
            return
        for name, way in self._among:

            def tell(
                granted: str | None,
                problem: GaloshError | None = None,
                alternatives: tuple[str, ...] = (),
                name: NamedWay = (name, way),
            ) -> None:
                self._tell(stop, HotkeyState(name[0], wanted, granted, problem, alternatives))

            try:
                if way(Job(trigger, self._app_id, self._fire, tell, stop)) or stop.is_set:
                    return
            except Exception as error:  # a desktop's fault must not end the agent
                _log.exception("listening by %s failed", name)
                if not stop.is_set:
                    reason = f"{type(error).__name__}: {error}"
                    tell(None, GaloshError("hotkey-broke", way=name, reason=reason[:200]))
                return
        self._tell(stop, HotkeyState("none", wanted, None, GaloshError("hotkey-no-way")))

    def _tell(self, stop: Stop, state: HotkeyState) -> None:
        if stop.is_set or state.to_json() == self.state.to_json():
            return
        self.state = state
        try:
            self._changed(state)
        except Exception:
            _log.exception("the hotkey's report failed")
