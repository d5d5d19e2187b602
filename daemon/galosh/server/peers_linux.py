"""Who is at the other end of a Unix socket, as Linux says it."""

from __future__ import annotations

import socket
import struct

_SO_PEERCRED = 17  # the stubs of other systems lack the name
_UCRED = struct.Struct("=iII")  # pid, uid, gid


def peer_uid(connection: socket.socket) -> int | None:
    """The user id of the peer's process; None when the system does not say."""
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(raw)[1])
    except (OSError, struct.error):
        return None
