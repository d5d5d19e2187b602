"""A user's fingers on the hotkey and eyes on the quick prompt's caret, both without a process.

Keys go in by XTEST (xdotool's own start costs as much as what is measured); the caret is there
when a column as high as it has the colour of ink on the screen and its program has the keyboard.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from galosh.popup.colours import LIGHT
from tests.desktop_kit import Desktop, wait_for

_CTRL, _ALT, _SHIFT = 0xFFE3, 0xFFE9, 0xFFE1
_SPACE, _ESCAPE, _LEFT = 0x20, 0xFF1B, 0xFF51
_HIGH = 16  # no letter of the window's is
_LOOK_SECONDS = 0.0005  # there are two processors: whoever only looks takes one of them
_INK = bytes.fromhex(LIGHT.ink[1:])[::-1]


class Hands:
    """Both. The light colours are taken for granted, and a screen of 24 bits."""

    def __init__(self, here: Desktop) -> None:
        self._display = here.connection()
        self._top = 0
        self._program = 0
        self._find_caret()

    def press(self) -> float:
        """The hotkey, held until the caret is seen, as a finger would; how many seconds that is."""
        for key in (_CTRL, _ALT):
            self._down(key)
        time.sleep(0.02)
        begin = time.perf_counter()
        self._down(_SPACE)
        while not self.sees_caret():
            assert time.perf_counter() - begin < 10, "no caret"
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - begin
        for key in (_SPACE, _ALT, _CTRL):
            self._up(key)
        return seconds

    def leave(self, back: Callable[[], object]) -> None:
        """Escape; until the caret is gone and the keyboard is `back`."""
        self.tap(_ESCAPE)
        wait_for(lambda: not self.sees_caret() and back(), "the window from before", every=0.005)

    def mark_more(self) -> None:
        """One more letter to the left."""
        self._down(_SHIFT)
        self.tap(_LEFT)
        self._up(_SHIFT)

    def tap(self, *keys: int) -> None:
        """Press and let go of these, by their keysyms."""
        for key in keys:
            self._down(key)
            self._up(key)

    def sees_caret(self) -> bool:
        """Whether it is drawn, in a window that has the keyboard."""
        return self._ink_column(self._top, _HIGH) is not None and self.keyboard() == self._program

    def keyboard(self) -> int:
        """Which program has it."""
        focus = self._display.get_input_focus().focus
        return int(getattr(focus, "id", focus)) & ~int(self._display.display.info.resource_id_mask)

    def _find_caret(self) -> None:
        before = self.keyboard()
        self._down(_CTRL)
        self._down(_ALT)
        self.tap(_SPACE)
        self._up(_ALT)
        self._up(_CTRL)
        high = self._display.screen().height_in_pixels
        self._top = wait_for(lambda: self._ink_column(0, high), "caret") or 0
        self._program = self.keyboard()
        self.leave(lambda: self.keyboard() == before)

    def _ink_column(self, top: int, high: int) -> int | None:
        """The upper end of a column of ink that is as high as a caret, among these rows."""
        from Xlib import X

        screen = self._display.screen()
        row = 4 * screen.width_in_pixels
        image = screen.root.get_image(0, top, row // 4, high, X.ZPixmap, 0xFFFFFFFF)
        dots = bytes(image.data)
        at = dots.find(_INK, 0, len(dots) - (_HIGH - 1) * row)
        while at >= 0:
            if at % 4 == 0 and all(
                dots[at + n * row : at + n * row + 3] == _INK for n in range(_HIGH)
            ):
                return int(top + at // row)
            at = dots.find(_INK, at + 1, len(dots) - (_HIGH - 1) * row)
        return None

    def _down(self, keysym: int) -> None:
        self._send(2, keysym)

    def _up(self, keysym: int) -> None:
        self._send(3, keysym)

    def _send(self, kind: int, keysym: int) -> None:
        from Xlib.ext import xtest

        xtest.fake_input(self._display, kind, self._display.keysym_to_keycode(keysym))
        self._display.flush()
