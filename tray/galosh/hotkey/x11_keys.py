"""The keyboard of an X server: connecting, codes, modifiers, and pressing keys (XTEST)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from galosh.hotkey.trigger import Trigger

_MODIFIER_KEYS = {
    "Ctrl": ("Control_L", "Control_R"),
    "Alt": ("Alt_L", "Alt_R"),
    "Shift": ("Shift_L", "Shift_R"),
    "Super": ("Super_L", "Super_R"),
}
_USUAL_MASKS = {"Ctrl": 1 << 2, "Alt": 1 << 3, "Shift": 1 << 0, "Super": 1 << 6}
_EVDEV_OFFSET = 8


def open_display() -> Any:
    """A connection to the X server of DISPLAY; None when there is none to be had."""
    from Xlib import error
    from Xlib.display import Display

    try:
        display = Display()
    except (error.DisplayError, error.XError, OSError, AssertionError):
        return None
    # Errors come as values where they matter; the rest (a window that is gone) is no news.
    display.set_error_handler(lambda *_: None)
    return display


def close_display(display: Any) -> None:
    """Hang up, on a server that is gone too."""
    from Xlib import error

    try:
        display.close()
    except (error.ConnectionClosedError, OSError):
        display.display.socket.close()


def key_code(display: Any, trigger: Trigger) -> int:
    """The code of the key with that sign; where the layout lacks the sign, of its place."""
    from Xlib import XK

    code = display.keysym_to_keycode(XK.string_to_keysym(trigger.key.keysym))
    return int(code) or trigger.key.evdev + _EVDEV_OFFSET


def modifier_masks(display: Any) -> tuple[dict[str, int], int]:
    """The mask of each modifier on this keyboard, and the one of Num Lock (0: it has none)."""
    rows = display.get_modifier_mapping()
    found = {
        name: _mask_of(display, rows, keys) or _USUAL_MASKS[name]
        for name, keys in _MODIFIER_KEYS.items()
    }
    return found, _mask_of(display, rows, ("Num_Lock",))


def press(display: Any, trigger: Trigger) -> None:
    """Press and let go of the keys, as if the user did."""
    from Xlib import XK, X
    from Xlib.ext import xtest

    names = {"Ctrl": "Control_L", "Alt": "Alt_L", "Shift": "Shift_L", "Super": "Super_L"}
    held = [
        display.keysym_to_keycode(XK.string_to_keysym(names[name])) for name in trigger.modifiers
    ]
    keys = [*held, key_code(display, trigger)]
    for code in keys:
        xtest.fake_input(display, X.KeyPress, code)
    for code in reversed(keys):
        xtest.fake_input(display, X.KeyRelease, code)
    display.sync()


def _mask_of(display: Any, rows: Sequence[Iterable[int]], keys: Sequence[str]) -> int:
    """The mask of the modifier whose row holds one of the keys, by their names."""
    from Xlib import XK

    codes = {display.keysym_to_keycode(XK.string_to_keysym(name)) for name in keys} - {0}
    for index, row in enumerate(rows):
        if codes.intersection(row):
            return 1 << index
    return 0
