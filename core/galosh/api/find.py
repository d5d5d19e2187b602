"""Finds the running daemon of these paths and opens a connection to it."""

from __future__ import annotations

import os
import socket
import sys

from galosh.api import connection
from galosh.api.process import is_same
from galosh.api.wire import DaemonFacts
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths

_CONNECT_SECONDS = 5.0


def is_running(paths: Paths) -> DaemonFacts | None:
    """Where the daemon listens, if one does; what a killed one left does not count."""
    facts = read_facts(paths)
    if facts is None:
        return None
    try:
        open_connection(paths, facts).close()
    except OSError:
        return None
    # A port may be somebody else's by now; the private socket cannot be.
    return facts if facts.socket or is_same(facts.pid, facts.mark) else None


def read_facts(paths: Paths) -> DaemonFacts | None:
    """What the facts file says, true or stale."""
    return DaemonFacts.from_json(durable.read_json(paths.daemon_facts))


def open_connection(paths: Paths, facts: DaemonFacts) -> socket.socket:
    """A connection to that daemon; raises OSError when nobody answers."""
    if facts.socket and sys.platform != "win32":
        # In a folder of somebody else's, whoever listens there would read our words.
        if paths.socket.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{paths.socket.parent} belongs to another user")
        return connection.connect_unix(str(paths.socket), _CONNECT_SECONDS)
    if facts.port is None:
        raise ConnectionRefusedError("no port")
    return connection.connect_tcp(facts.port, _CONNECT_SECONDS)


def reach(paths: Paths) -> tuple[socket.socket, DaemonFacts]:
    """A connection to the running daemon; raises GaloshError `api-daemon-away`."""
    facts = read_facts(paths)
    if facts is None:
        raise GaloshError("api-daemon-away", place=str(paths.socket))
    try:
        return open_connection(paths, facts), facts
    except OSError as error:
        place = facts.socket or f"127.0.0.1:{facts.port}"
        raise GaloshError("api-daemon-away", place=place) from error
