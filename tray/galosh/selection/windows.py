"""Selection and insertion on Windows: copy and paste keys, the clipboard given back whole.

Rules: no keys into consoles (there Ctrl+C interrupts) and elevated windows (which would not hear
them, and Windows would not say); everything in the clipboard that can be kept is kept and put
back; text is pasted only once the window it came from is in front again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol

from galosh.selection.swap import swap_and_paste, until
from galosh.selection.values import Origin, Outcome, Screen, Selection, selected

Formats = Sequence[tuple[int, bytes]]
CF_UNICODETEXT = 13
# Handles of the graphics system, which Windows makes anew from CF_DIB.
NO_BYTES = frozenset({2, 3, 9, 14, 0x80, 0x82, 0x83, 0x8E})
_CONSOLES = ("consolewindowclass", "cascadia_hosting_window_class", "mintty", "putty",
             "virtualconsoleclass", "alacritty", "org.wezfurlong.wezterm")  # fmt: skip
_SHIFT, _CTRL, _ALT, _WIN, _C, _V = 0x10, 0x11, 0x12, 0x5B, 0x43, 0x56
_MODIFIERS = (_SHIFT, _CTRL, _ALT, _WIN, 0x5C)


class Calls(Protocol):
    """What is asked of user32 and its neighbours."""

    def front(self) -> int:
        """The window the user is in; 0: none."""

    def class_name(self, window: int) -> str:
        """Its class."""

    def is_out_of_reach(self, window: int) -> bool:
        """Whether it runs with rights that ours lack."""

    def bring_front(self, window: int) -> None:
        """Ask for it to be the one the user is in."""

    def changes(self) -> int:
        """A number that changes with the clipboard."""

    def read(self) -> Formats | None:
        """Everything in the clipboard that has bytes; None: it is not to be opened."""

    def write(self, formats: Formats) -> bool:
        """Put these in place of everything; whether that worked."""

    def is_down(self, key: int) -> bool:
        """Whether the user holds a key."""

    def keys(self, events: Sequence[tuple[int, bool]]) -> None:
        """Press (True) and let go of keys."""

    def screen(self, window: int) -> Screen | None:
        """The work area of the monitor a window is on."""


class Windows:
    """See choose.Way."""

    def __init__(self, calls: Calls | None = None) -> None:
        self._calls = calls or _real_calls()

    def read_selection(self, deadline_seconds: float, limit_bytes: int) -> Selection | None:
        """See choose.Way."""
        calls, origin = self._calls, self.read_origin()
        if origin is None or not origin.can_insert:
            return None
        former = calls.read()
        if former is None:
            return None
        before = calls.changes()
        self._press(_C)
        copied = until(lambda: calls.changes() != before, deadline_seconds)
        if not copied:
            return None  # nothing is selected; the clipboard was not touched
        text = _text_in(calls.read() or ())
        calls.write(former)
        return selected(text.encode("utf-8", "replace"), limit_bytes, origin)

    def read_origin(self) -> Origin | None:
        """See choose.Way."""
        window = self._calls.front()
        if not window:
            return None
        name = self._calls.class_name(window).lower()
        closed = name in _CONSOLES or self._calls.is_out_of_reach(window)
        return Origin(window, 0, "none" if closed else "field")

    def insert(self, text: str, origin: Origin) -> Outcome:
        """See choose.Way."""
        answer = [(CF_UNICODETEXT, _unicode(text))]
        return swap_and_paste(self._calls, answer, origin, lambda: self._press(_V))

    def active_screen(self) -> Screen | None:
        """See choose.Way."""
        return self._calls.screen(self._calls.front())

    def _press(self, key: int) -> None:
        """Ctrl and a key; what the user still holds of the hotkey is let go first."""
        held = [(code, False) for code in _MODIFIERS if self._calls.is_down(code)]
        chord = [(_CTRL, True), (key, True), (key, False), (_CTRL, False)]
        self._calls.keys([*held, *chord])


def _text_in(formats: Formats) -> str:
    data = next((data for number, data in formats if number == CF_UNICODETEXT), b"")
    return data.decode("utf-16-le", "replace").split("\0", 1)[0].replace("\r\n", "\n")


def _unicode(text: str) -> bytes:
    return (text.replace("\r\n", "\n").replace("\n", "\r\n") + "\0").encode("utf-16-le", "replace")


if sys.platform == "win32":
    from galosh.selection.windows_calls import User32

    def _real_calls() -> Calls:
        return User32()

else:

    def _real_calls() -> Calls:
        raise OSError("not Windows")
