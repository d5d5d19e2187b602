"""Notifications over D-Bus: our own call, quiet and escaped.

Rules: what a server would read as markup is escaped, and only where it reads markup; a later
notification of one subject replaces the earlier; without a server nothing happens.
"""

from __future__ import annotations

from typing import Any

from jeepney import DBusAddress, new_method_call

from galosh.tray.bus import Bus
from galosh.tray.item import escape

_SERVER = DBusAddress(
    "/org/freedesktop/Notifications",
    "org.freedesktop.Notifications",
    "org.freedesktop.Notifications",
)
_BODY_LIMIT = 600
_BY_SERVER = -1  # the server decides how long it stays
_LOW = 0


class Notifier:
    """Speaks with whatever server there is at that moment."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._last: dict[str, int] = {}

    def notify(self, title: str, body: str) -> None:
        """Show it. Returns at once."""
        message = new_method_call(_SERVER, "GetCapabilities")
        self._bus.ask(message, lambda reply: self._send(title, body, reply))

    def _send(self, title: str, body: str, reply: tuple[Any, ...] | None) -> None:
        if reply is None:
            return
        body = body if len(body) <= _BODY_LIMIT else body[: _BODY_LIMIT - 1] + "…"
        shown = escape(body) if "body-markup" in reply[0] else body
        hints = {
            "urgency": ("y", _LOW),
            "suppress-sound": ("b", True),
            "desktop-entry": ("s", "galosh"),
        }
        last, actions = self._last.get(title, 0), list[str]()
        values = ("galosh", last, "galosh", title, shown, actions, hints, _BY_SERVER)
        message = new_method_call(_SERVER, "Notify", "susssasa{sv}i", values)
        self._bus.ask(message, lambda answer: self._keep(title, answer))

    def _keep(self, title: str, answer: tuple[Any, ...] | None) -> None:
        if answer is not None:
            self._last[title] = int(answer[0])
