"""Proves on this desktop that a hotkey works: takes it, presses it, hears it.

Only an X11 session can be proved without the user: there a program may press keys (XTEST). The
combination is swallowed by our own grab, so nobody else sees it. Where the agent holds the wanted
one already, another that is free is pressed in its place.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from galosh.hotkey.choose import ways
from galosh.hotkey.listen import listen
from galosh.hotkey.state import HotkeyState, Way
from galosh.hotkey.trigger import Trigger, parse
from galosh.hotkey.x11_keys import close_display, open_display, press

_GRAB_SECONDS = 3.0
_PRESS_SECONDS = 2.0


@dataclass(frozen=True)
class Proof:
    """way: how this session listens. state: what was granted for `trigger`, None: not asked.
    pressed: the combination that was pressed; fired: whether it was heard, after how long."""

    way: Way
    trigger: str
    state: HotkeyState | None = None
    pressed: str | None = None
    fired: bool | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, object]:
        """The JSON form."""
        state = None if self.state is None else self.state.to_json()
        return {**vars(self), "state": state}


def prove(text: str) -> Proof:
    """Try it. Raises GaloshError for a trigger that is none."""
    trigger = parse(text)
    known = ways()
    way: Way = known[0][0] if known else "none"
    if way != "x11":
        return Proof(way, str(trigger))
    state, heard = _press(trigger)
    pressed = state.granted
    if pressed is None and state.alternatives:
        pressed = state.alternatives[0]
        _, heard = _press(parse(pressed))
    if pressed is None:
        return Proof(way, str(trigger), state)
    return Proof(way, str(trigger), state, pressed, heard is not None, heard)


def _press(trigger: Trigger) -> tuple[HotkeyState, float | None]:
    """What was granted, and the seconds from the key to the callback (None: never heard)."""
    told, fired = threading.Event(), threading.Event()
    hotkey = listen(str(trigger), fired.set, lambda _: told.set())
    display = open_display()
    try:
        told.wait(_GRAB_SECONDS)
        state = hotkey.state
        if state.granted is None or display is None or not display.has_extension("XTEST"):
            return state, None
        began = time.monotonic()
        press(display, trigger)
        return state, time.monotonic() - began if fired.wait(_PRESS_SECONDS) else None
    finally:
        hotkey.close()
        if display is not None:
            close_display(display)
