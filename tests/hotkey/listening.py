"""A hotkey under test: what it fired and what it told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from galosh.hotkey import Hotkey, HotkeyState, listen
from galosh.hotkey.choose import NamedWay
from tests.desktop_kit import wait_for


class Heard:
    """The hotkey, its presses and its states."""

    def __init__(self, trigger: str, among: list[NamedWay] | None) -> None:
        self.states: list[HotkeyState] = []
        self.presses = 0
        self.pressed = threading.Event()
        self.hotkey: Hotkey = listen(trigger, self._fire, self.states.append, among=among)

    def _fire(self) -> None:
        self.presses += 1
        self.pressed.set()

    def state(self, what: Callable[[HotkeyState], bool] = lambda _: True) -> HotkeyState:
        """The state, as soon as it is told and as `what` wants it."""
        wait_for(lambda: bool(self.states) and what(self.states[-1]), f"state, only {self.states}")
        return self.states[-1]

    def wait_presses(self, count: int) -> None:
        """Until so many presses were heard."""
        wait_for(lambda: self.presses >= count, f"press {count}, only {self.presses}", 5)


@contextmanager
def listening(trigger: str, among: list[NamedWay] | None = None) -> Iterator[Heard]:
    """A hotkey that is closed afterwards."""
    heard = Heard(trigger, among)
    try:
        yield heard
    finally:
        heard.hotkey.close()
