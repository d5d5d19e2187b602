"""Who is at the other end of a Unix socket: one module per system, chosen here."""

from __future__ import annotations

import os
import socket
import sys

if sys.platform == "darwin":
    from galosh.server.peers_macos import peer_uid
else:
    from galosh.server.peers_linux import peer_uid

__all__ = ["is_own_user", "peer_uid"]


def is_own_user(connection: socket.socket) -> bool:
    """Whether the peer runs as our user; where the system is silent, the folder guards."""
    if sys.platform == "win32":
        return True
    uid = peer_uid(connection)
    return uid is None or uid == os.getuid()
