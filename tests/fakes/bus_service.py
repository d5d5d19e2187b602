"""A service on a test's session bus, in a thread of its own: answers calls, sends signals."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MessageType,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

Answer = tuple[str, tuple[Any, ...]]  # a signature and the values


class BusFaultError(Exception):
    """Answer with this D-Bus error."""


class BusService:
    """Owns `name`; `methods` maps `interface.member` to what answers it."""

    def __init__(self, address: str, name: str, methods: dict[str, Callable[..., Answer]]) -> None:
        self.name = name
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.senders: list[str] = []
        self._methods = methods
        self._later: list[Callable[[], None]] = []
        self._connection = open_dbus_connection(address)
        self._ask(message_bus.RequestName(name, 4))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def signal(self, path: str, interface: str, member: str, signature: str, *values: Any) -> None:
        """Send a signal to everybody."""
        where = DBusAddress(path, interface=interface)
        self._connection.send(new_signal(where, member, signature, values))

    def after_answer(self, call: Callable[[], None]) -> None:
        """Do this once the answer to the call that is being served has been sent."""
        self._later.append(call)

    def called(self, member: str) -> list[tuple[Any, ...]]:
        """The values of every call of that method."""
        return [values for name, values in self.calls if name.rsplit(".", 1)[-1] == member]

    def close(self) -> None:
        """Leave the bus."""
        with contextlib.suppress(OSError):
            self._connection.sock.shutdown(2)
        self._thread.join(5)
        self._connection.close()

    def __enter__(self) -> BusService:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, message: Any) -> None:
        self._connection.send_and_get_reply(message, timeout=5)

    def _serve(self) -> None:
        for message in self._messages():
            names = message.header.fields
            key = f"{names.get(HeaderFields.interface)}.{names.get(HeaderFields.member)}"
            values = tuple(message.body or ())
            self.calls.append((key, values))
            self.senders.append(str(names.get(HeaderFields.sender)))
            answer = self._methods.get(key)
            if answer is None:
                error = "org.freedesktop.DBus.Error.UnknownMethod"
                self._connection.send(new_error(message, error, "s", (key,)))
                continue
            try:
                signature, body = answer(*values)
            except BusFaultError as fault:
                self._connection.send(new_error(message, str(fault), "s", ("no",)))
                continue
            self._connection.send(new_method_return(message, signature or None, body))
            while self._later:
                self._later.pop(0)()

    def _messages(self) -> Iterator[Any]:
        while True:
            try:
                message = self._connection.receive()
            except OSError:
                return
            if message.header.message_type is MessageType.method_call:
                yield message
