"""A connection to the user's D-Bus session bus: light, with one reader and many writers.

Owns the socket, the lock that keeps messages whole, and the replies that are waited for. Never
retries and never raises what the bus does to us: a bus that is missing, is another user's or
does not answer is `None` from `open_bus`, a connection that broke is `False` from `read`.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

_AUTH_SECONDS = 2.0
_CALL_SECONDS = 3.0

Handler = Callable[[Any], None]


class Bus:
    """One open connection. `handle` gets every message that is no reply."""

    def __init__(self, connection: socket.socket) -> None:
        from jeepney import Parser

        self._socket = connection
        self._parser = Parser()
        self._serials = count(1)
        self._writing = threading.Lock()
        self._waiting: dict[int, _Reply] = {}
        self.handle: Handler = lambda _message: None
        self.unique_name = ""
        self.open = True

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def send(self, message: Any) -> int:
        """Send and forget; the serial. A broken connection is noticed by the reader."""
        with self._writing:
            serial = next(self._serials)
            try:
                self._socket.sendall(message.serialise(serial=serial))
            except OSError:
                self._break()
            return serial

    def read(self) -> bool:
        """Take what has arrived and handle it; False once the connection is gone."""
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._break()
            return False
        self._parser.add_data(data)
        while (message := self._parser.get_next_message()) is not None:
            self._dispatch(message)
        return True

    def ask(self, message: Any, told: Callable[[tuple[Any, ...] | None], None]) -> None:
        """Send; `told` gets the reply's body in the reader's thread, None for an error."""
        with self._writing:
            serial = next(self._serials)
            self._waiting[serial] = told
            try:
                self._socket.sendall(message.serialise(serial=serial))
            except OSError:
                self._break()

    def call(self, message: Any, seconds: float = _CALL_SECONDS) -> tuple[Any, ...] | None:
        """Send and wait for the reply's body; None for an error or silence.

        Only before the reader runs, or from another thread than the reader's: see `wait`.
        """
        answers: list[tuple[Any, ...] | None] = []
        self.ask(message, answers.append)
        end = time.monotonic() + seconds
        while not answers and self.open:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self], [], [], left)[0]:
                return None
            self.read()
        return answers[0] if answers else None

    def close(self) -> None:
        """Hang up."""
        self._break()
        self._socket.close()

    def _dispatch(self, message: Any) -> None:
        from jeepney import HeaderFields, MessageType

        header = message.header
        if header.message_type in (MessageType.method_return, MessageType.error):
            told = self._waiting.pop(header.fields.get(HeaderFields.reply_serial, 0), None)
            if told is not None:
                told(message.body if header.message_type is MessageType.method_return else None)
        else:
            self.handle(message)

    def _break(self) -> None:
        self.open = False


_Reply = Callable[[tuple[Any, ...] | None], None]


def open_bus(address: str | None = None) -> Bus | None:
    """The session bus, or None: no address, nobody there, not ours, or silent."""
    if not address and not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return None
    from jeepney.auth import AuthenticationError
    from jeepney.bus import get_bus
    from jeepney.bus_messages import message_bus
    from jeepney.io.blocking import prep_socket

    try:
        connection = prep_socket(get_bus(address or "SESSION"), timeout=_AUTH_SECONDS)
    except (OSError, AuthenticationError, RuntimeError, ValueError, KeyError, StopIteration):
        return None
    bus = Bus(connection)
    hello = bus.call(message_bus.Hello())
    if hello is None:
        bus.close()
        return None
    bus.unique_name = str(hello[0])
    return bus
