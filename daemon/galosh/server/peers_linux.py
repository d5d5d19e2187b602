"""Who is at the other end of a connection, as Linux says it."""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path

_SO_PEERCRED = 17  # the stubs of other systems lack the name
_UCRED = struct.Struct("=iII")  # pid, uid, gid


def peer_uid(connection: socket.socket) -> int | None:
    """The user id of the peer's process; None when the system does not say."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(raw)[1])
    except (OSError, struct.error):
        return None


def tcp_peer_uid(
    peer: tuple[str, int],
    own: tuple[str, int],
    tables: tuple[str, ...] = ("/proc/net/tcp", "/proc/net/tcp6"),
) -> int | None:
    """The user id of the other end of a connection within this PC; None when it is not told.

    The kernel's table has a line per end; the peer's names its own address first. IPv6 lines
    end in the same letters for an address of version 4.
    """
    wanted = [_as_written(peer), _as_written(own)]
    for table in tables:
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            parts = line.split()
            if len(parts) > 7 and all(
                shown.endswith(end) for shown, end in zip(parts[1:3], wanted, strict=True)
            ):
                return int(parts[7])
    return None


def _as_written(place: tuple[str, int]) -> str:
    address = int.from_bytes(socket.inet_aton(place[0]), sys.byteorder)
    return f"{address:08X}:{place[1]:04X}"
