"""A connection to the session bus for one listening thread: calls, and signals in their order.

Must be used by one thread only. Signals that come while an answer is awaited are kept.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from pathlib import Path
from typing import Any

from galosh.hotkey.way import Stop

_CALL_SECONDS = 10.0
_AUTH_SECONDS = 2.0


class BusError(Exception):
    """What the bus or a service answered instead; `name` is the D-Bus error's."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class Bus:
    """See the module. Raises BusError, and OSError when the connection breaks."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._signals: deque[Any] = deque()

    @property
    def unique_name(self) -> str:
        """Our own name, like `:1.42`."""
        return str(self._connection.unique_name)

    def call(
        self, name: str, path: str, interface: str, method: str, signature: str = "", *values: Any
    ) -> tuple[Any, ...]:
        """Call a method; the values of its answer."""
        from jeepney import DBusAddress, new_method_call

        address = DBusAddress(path, name, interface)
        message = new_method_call(address, method, signature or None, values)
        return self._answer(message)

    def watch(self, **rule: str) -> None:
        """Hear signals of this kind: interface, member, path, sender, arg0."""
        from jeepney import MatchRule
        from jeepney.bus_messages import message_bus

        arg0 = rule.pop("arg0", None)
        match = MatchRule(type="signal", **rule)
        if arg0 is not None:
            match.add_arg_condition(0, arg0)
        self._answer(message_bus.AddMatch(match))

    def owner(self, name: str) -> str | None:
        """Who has this name now; started, if the bus knows how to."""
        from jeepney.bus_messages import message_bus

        # A running service without a service file cannot be "started", says the bus.
        with contextlib.suppress(BusError):
            self._answer(message_bus.StartServiceByName(name))
        return self.owner_now(name)

    def owner_now(self, name: str) -> str | None:
        """Who has this name now; nothing is started."""
        from jeepney.bus_messages import message_bus

        try:
            return str(self._answer(message_bus.GetNameOwner(name))[0])
        except BusError:
            return None

    def next_signal(self, stop: Stop, seconds: float | None = None) -> Any:
        """The next signal; None when the time is up or the end was asked for."""
        from jeepney import MessageType

        while not self._signals:
            try:
                message = self._connection.receive(timeout=0)
            except TimeoutError:
                if stop.wait(seconds, self._connection.sock.fileno()):
                    return None
                try:
                    message = self._connection.receive(timeout=0)
                except TimeoutError:
                    if seconds is not None:
                        return None
                    continue
            if message.header.message_type is MessageType.signal:
                self._signals.append(message)
        return None if stop.is_set else self._signals.popleft()

    def close(self) -> None:
        """Hang up; what was registered for this connection ends with it."""
        self._connection.close()

    def _answer(self, message: Any) -> tuple[Any, ...]:
        from jeepney import DBusErrorResponse, MessageType
        from jeepney.wrappers import unwrap_msg

        with self._connection.filter(_EverySignal(), queue=self._signals):
            try:
                answer = self._connection.send_and_get_reply(message, timeout=_CALL_SECONDS)
                assert answer.header.message_type is not MessageType.signal
                return tuple(unwrap_msg(answer))
            except DBusErrorResponse as error:
                text = str(error.data[0]) if error.data else ""
                raise BusError(error.name, text) from error


class _EverySignal:
    """A rule that jeepney's filters ask of every message."""

    def matches(self, message: Any) -> bool:
        """Whether to keep it."""
        from jeepney import MessageType

        return message.header.message_type is MessageType.signal


def open_bus() -> Bus | None:
    """The session bus of this user; None where there is none, or it lets us not in."""
    from jeepney.io.blocking import open_dbus_connection

    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    usual = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{_user()}") / "bus"
    if not address and not usual.exists():
        return None
    try:
        return Bus(
            open_dbus_connection(address or f"unix:path={usual}", auth_timeout=_AUTH_SECONDS)
        )
    except Exception:  # jeepney raises what it likes: no bus, another user's, no address
        return None


def _user() -> int:
    return int(getattr(os, "getuid", lambda: 0)())


def fields(message: Any) -> tuple[str, str, str, tuple[Any, ...]]:
    """A signal's interface, member and path, and its values."""
    from jeepney import HeaderFields

    names = message.header.fields
    return (
        str(names.get(HeaderFields.interface, "")),
        str(names.get(HeaderFields.member, "")),
        str(names.get(HeaderFields.path, "")),
        tuple(message.body or ()),
    )
