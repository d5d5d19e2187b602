"""Who is at the other end of a connection, as macOS says it."""

from __future__ import annotations

import socket
import struct

_SOL_LOCAL = 0
_LOCAL_PEERCRED = 0x001
_XUCRED = struct.Struct("=II")  # version, uid; then groups nobody needs here
_XUCRED_BYTES = 76


def peer_uid(connection: socket.socket) -> int | None:
    """The user id of the peer's process; None when the system does not say."""
    try:
        raw = connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
        return int(_XUCRED.unpack_from(raw)[1])
    except (OSError, struct.error):
        return None


def tcp_peer_uid(_peer: tuple[str, int], _own: tuple[str, int]) -> int | None:
    """macOS tells it to the administrator only; its browsers get a link without a command
    line that others could read."""
    return None
