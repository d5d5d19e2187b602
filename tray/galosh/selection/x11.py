"""Selection and insertion in an X11 session.

The selection is PRIMARY: what is marked, without copying. Inserting swaps the clipboard: the
answer goes in, the paste keys are pressed in the window it came from, and once that program has
fetched it, everything that was in the clipboard is offered again.
"""

from __future__ import annotations

import time
from contextlib import suppress

from galosh.hotkey.trigger import Trigger
from galosh.hotkey.x11_keys import press
from galosh.selection import x11_windows as windows
from galosh.selection.values import Contents, Origin, Outcome, Screen, Selection, decode
from galosh.selection.values import terminal_text as at_prompt
from galosh.selection.x11_board import Board, text_contents
from galosh.selection.x11_fetch import Requestor
from galosh.selection.x11_kept import Kept

_SAVE_SECONDS = 2.0
_SAVE_BYTES = 67_108_864
_ACTIVE_SECONDS = 1.0
_KEYS_UP_SECONDS = 1.5
_FETCH_SECONDS = 2.0
# Some programs look a second time, at another format.
_GRACE_SECONDS = 0.1
# In each kind of window: the selection that is pasted, and the keys that paste it.
_PASTE: dict[str, tuple[str, Trigger]] = {
    "field": ("CLIPBOARD", Trigger(("Ctrl",), "V")),
    "terminal": ("CLIPBOARD", Trigger(("Ctrl", "Shift"), "V")),
    "old-terminal": ("PRIMARY", Trigger(("Shift",), "Insert")),
}


class X11:
    """See choose.Way. Keeps two connections: an insertion must not hold up a reading."""

    def __init__(self) -> None:
        self._reading = Kept()
        self._inserting = Kept()

    def read_selection(self, deadline_seconds: float, limit_bytes: int) -> Selection | None:
        """See choose.Way."""
        deadline = time.monotonic() + deadline_seconds
        with suppress(OSError), self._reading.use() as requestor:
            origin = windows.origin_of(requestor.display)
            owner = requestor.owner("PRIMARY")
            if not owner or windows.is_stale(requestor.display, owner, origin):
                return None
            text, cut = _fetch_text(requestor, deadline, limit_bytes)
            if text.strip():
                return Selection(text, cut, origin or Origin(0))
        return None

    def read_origin(self) -> Origin | None:
        """See choose.Way."""
        with suppress(OSError), self._reading.use() as requestor:
            return windows.origin_of(requestor.display)
        return None

    def insert(self, text: str, origin: Origin) -> Outcome:
        """See choose.Way."""
        pasted = at_prompt(text) if "terminal" in origin.kind else text
        if not origin.can_insert or pasted is None:
            return copy(text)
        with suppress(OSError), self._inserting.use() as requestor:
            return _Insertion(requestor, text, pasted, origin).run()
        return "refused"

    def active_screen(self) -> Screen | None:
        """See choose.Way."""
        with suppress(OSError), self._reading.use() as requestor:
            return windows.screen_of_user(requestor.display)
        return None


def copy(text: str) -> Outcome:
    """Leave the text in the clipboard, served until another program takes it."""
    try:
        board = Board("CLIPBOARD")
    except OSError:
        return "refused"
    return "copied" if board.offer(text_contents(text)) else "refused"


class _Insertion:
    """One answer on its way into one window. text: to copy; pasted: to paste."""

    def __init__(self, requestor: Requestor, text: str, pasted: str, origin: Origin) -> None:
        self._requestor = requestor
        self._display = requestor.display
        self._text = text
        self._pasted = pasted
        self._origin = origin
        self._selection, self._keys = _PASTE[origin.kind]

    def run(self) -> Outcome:
        """See insert."""
        former: Contents | None
        deadline = time.monotonic() + _SAVE_SECONDS
        try:
            former = self._requestor.fetch_all(self._selection, deadline, _SAVE_BYTES)
        except (TimeoutError, OverflowError):
            return "refused"  # it could not be given back
        if not self._window_is_ready():
            return copy(self._text)
        board = Board(self._selection)
        if not board.offer(text_contents(self._pasted)):
            return "refused"
        if windows.is_active(self._display, self._origin):  # nothing came between
            press(self._display, self._keys)
            if board.wait_fetched(self._origin.client, _FETCH_SECONDS):
                time.sleep(_GRACE_SECONDS)
                _give_back(board, former)
                return "inserted"
        if self._selection != "CLIPBOARD":
            _give_back(board, former)
            return copy(self._text)
        return "copied"  # it is there already; a program that wakes up late pastes the right text

    def _window_is_ready(self) -> bool:
        return windows.activate(
            self._display, self._origin, _ACTIVE_SECONDS
        ) and windows.wait_keys_up(self._display, _KEYS_UP_SECONDS)


def _give_back(board: Board, former: Contents | None) -> None:
    if former:
        board.offer(former)
    else:
        board.disown()


def _fetch_text(requestor: Requestor, deadline: float, limit_bytes: int) -> tuple[str, bool]:
    """PRIMARY as text, and whether it was cut; empty when its owner is too slow."""
    try:
        found = requestor.fetch("PRIMARY", "UTF8_STRING", deadline, limit_bytes)
        if found is not None and isinstance(found[0].value, bytes):
            return decode(found[0].value, cut=found[1]), found[1]
        found = requestor.fetch("PRIMARY", "STRING", deadline, limit_bytes)
        if found is not None and isinstance(found[0].value, bytes):
            return found[0].value.decode("latin-1"), found[1]
    except TimeoutError:
        return "", False
    return "", False
