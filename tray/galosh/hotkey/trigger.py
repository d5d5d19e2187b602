"""A combination of keys: read, written, and in the words of every system. Pure.

Rules: one way to write each (`Ctrl+Alt+Space`); a combination that would take away a key people
type with is refused, so a letter, digit or Space needs Ctrl, Alt or Super.
"""

from __future__ import annotations

from dataclasses import dataclass

from galosh.base.errors import GaloshError
from galosh.hotkey.keys import KEYS, MODIFIERS, OTHER_NAMES, Key

DEFAULT = "Ctrl+Alt+Space"
# Offered in this order where another is taken. No Ctrl+Alt with a letter: that is AltGr with
# the letter, a sign people type, in many layouts.
_OTHERS = (
    DEFAULT,
    "Ctrl+Shift+Space",
    "Super+Shift+Space",
    "Ctrl+Alt+F9",
    "Ctrl+Shift+F10",
    "Ctrl+Alt+Home",
    "Super+F9",
    "Ctrl+Alt+Shift+Space",
)
_WITHOUT_MODIFIER = {f"F{number}" for number in range(1, 25)} | {"Pause"}
_QT = {"Ctrl": 0x04000000, "Alt": 0x08000000, "Shift": 0x02000000, "Super": 0x10000000}
_WINDOWS = {"Alt": 0x1, "Ctrl": 0x2, "Shift": 0x4, "Super": 0x8}
_MAC = {"Super": 0x0100, "Shift": 0x0200, "Alt": 0x0800, "Ctrl": 0x1000}
_PORTAL = {"Ctrl": "CTRL", "Alt": "ALT", "Shift": "SHIFT", "Super": "LOGO"}
_GTK = {"Ctrl": "<Control>", "Alt": "<Alt>", "Shift": "<Shift>", "Super": "<Super>"}


@dataclass(frozen=True)
class Trigger:
    """Modifiers in the order of MODIFIERS, and one key of KEYS."""

    modifiers: tuple[str, ...]
    name: str

    def __str__(self) -> str:
        return "+".join((*self.modifiers, self.name))

    @property
    def key(self) -> Key:
        """Its numbers."""
        return KEYS[self.name]

    @property
    def portal(self) -> str:
        """In the words of the shortcuts specification: `CTRL+ALT+space`."""
        return "+".join([*(_PORTAL[name] for name in self.modifiers), self.key.keysym])

    @property
    def gtk(self) -> str:
        """As GNOME's settings hold it: `<Control><Alt>space`."""
        return "".join(_GTK[name] for name in self.modifiers) + self.key.keysym

    @property
    def qt(self) -> int:
        """As one number of Qt's."""
        return self.key.qt | sum(_QT[name] for name in self.modifiers)

    @property
    def windows(self) -> tuple[int, int]:
        """RegisterHotKey's modifiers and virtual key."""
        return sum(_WINDOWS[name] for name in self.modifiers), self.key.windows

    @property
    def mac(self) -> tuple[int, int] | None:
        """Carbon's modifiers and key code; None where a Mac has no such key."""
        code = self.key.mac
        return None if code is None else (sum(_MAC[name] for name in self.modifiers), code)


def parse(text: str) -> Trigger:
    """The combination a user wrote, in any order and case. Raises GaloshError hotkey-wrong."""
    modifiers: set[str] = set()
    keys: list[str] = []
    for part in text.replace("-", "+").replace(" ", "+").split("+"):
        if not part:
            continue
        name = _NAMES.get(part.lower())
        if name is None:
            raise GaloshError("hotkey-wrong", trigger=text[:60], part=part[:20], example=DEFAULT)
        if name in MODIFIERS:
            modifiers.add(name)
        else:
            keys.append(name)
    if len(keys) != 1:
        part = "+".join(keys) or "–"
        raise GaloshError("hotkey-wrong", trigger=text[:60], part=part, example=DEFAULT)
    if not modifiers - {"Shift"} and keys[0] not in _WITHOUT_MODIFIER:
        raise GaloshError("hotkey-typing", trigger=text[:60], key=keys[0], example=DEFAULT)
    return Trigger(tuple(name for name in MODIFIERS if name in modifiers), keys[0])


def others(wanted: Trigger) -> tuple[Trigger, ...]:
    """What to offer in its place, best first."""
    return tuple(parse(text) for text in _OTHERS if text != str(wanted))


_NAMES = {name.lower(): name for name in (*KEYS, *MODIFIERS)} | OTHER_NAMES
