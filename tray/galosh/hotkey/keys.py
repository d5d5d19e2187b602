"""The keys a trigger may name, with the number each system gives them. Pure.

A key is a place on the keyboard, named by what a US keyboard prints there. Letters and digits
are for X11 looked up by their sign first (what the user's keycap says), by place where the
layout lacks the sign.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """One key. keysym: X11's and the portal's name; evdev: Linux's number of the place (X11's
    is 8 more); windows: virtual-key code; mac: Carbon's code, None where Macs lack the key;
    qt: Qt's code."""

    keysym: str
    evdev: int
    windows: int
    mac: int | None
    qt: int


_LETTER_PLACES = dict(
    zip("QWERTYUIOPASDFGHJKLZXCVBNM", (*range(16, 26), *range(30, 39), *range(44, 51)), strict=True)
)
_MAC_LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (0, 11, 8, 2, 14, 3, 5, 4, 34, 38, 40, 37, 46, 45, 31, 35, 12, 15, 1, 17, 32, 9, 13, 7,
         16, 6),
        strict=True,
    )
)  # fmt: skip
_MAC_DIGITS = (29, 18, 19, 20, 21, 23, 22, 26, 28, 25)
_MAC_FUNCTION = (122, 120, 99, 118, 96, 97, 98, 100, 101, 109, 103, 111, 105, 107, 113, 106, 64,
                 79, 80, 90)  # fmt: skip
_FUNCTION_PLACES = (*range(59, 69), 87, 88, *range(183, 195))

KEYS: dict[str, Key] = {
    "Space": Key("space", 57, 0x20, 49, 0x20),
    "Backquote": Key("grave", 41, 0xC0, 50, 0x60),
    "Insert": Key("Insert", 110, 0x2D, 114, 0x01000006),
    "Pause": Key("Pause", 119, 0x13, None, 0x01000008),
    "Home": Key("Home", 102, 0x24, 115, 0x01000010),
    "End": Key("End", 107, 0x23, 119, 0x01000011),
    "Left": Key("Left", 105, 0x25, 123, 0x01000012),
    "Up": Key("Up", 103, 0x26, 126, 0x01000013),
    "Right": Key("Right", 106, 0x27, 124, 0x01000014),
    "Down": Key("Down", 108, 0x28, 125, 0x01000015),
    "PageUp": Key("Prior", 104, 0x21, 116, 0x01000016),
    "PageDown": Key("Next", 109, 0x22, 121, 0x01000017),
    **{
        letter: Key(letter.lower(), place, ord(letter), _MAC_LETTERS[letter], ord(letter))
        for letter, place in sorted(_LETTER_PLACES.items())
    },
    **{
        str(digit): Key(
            str(digit), 11 if digit == 0 else 1 + digit, 0x30 + digit, _MAC_DIGITS[digit],
            0x30 + digit,
        )
        for digit in range(10)
    },
    **{
        f"F{number}": Key(
            f"F{number}",
            _FUNCTION_PLACES[number - 1],
            0x6F + number,
            _MAC_FUNCTION[number - 1] if number <= len(_MAC_FUNCTION) else None,
            0x0100002F + number,
        )
        for number in range(1, 25)
    },
}  # fmt: skip

MODIFIERS = ("Ctrl", "Alt", "Shift", "Super")
OTHER_NAMES = {
    "control": "Ctrl", "strg": "Ctrl", "option": "Alt", "opt": "Alt", "win": "Super",
    "windows": "Super", "cmd": "Super", "command": "Super", "meta": "Super", "logo": "Super",
    "spacebar": "Space", "pgup": "PageUp", "pgdn": "PageDown", "pgdown": "PageDown",
    "ins": "Insert", "grave": "Backquote", "`": "Backquote",
}  # fmt: skip
