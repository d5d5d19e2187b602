"""Who is at the other end of a connection: one module per system, chosen here."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

if sys.platform == "darwin":
    from galosh.server.peers_macos import peer_uid, tcp_peer_uid
else:
    from galosh.server.peers_linux import peer_uid, tcp_peer_uid

__all__ = ["is_other_user_at", "is_own_user", "peer_uid", "tcp_peer_uid"]


def is_own_user(connection: socket.socket) -> bool:
    """Whether the peer runs as our user; where the system is silent, the folder guards."""
    if sys.platform == "win32":
        return True
    uid = peer_uid(connection)
    return uid is None or uid == os.getuid()


def is_other_user_at(transport: asyncio.BaseTransport) -> bool:
    """Whether a loopback TCP connection is known to be another user's."""
    if sys.platform == "win32":
        return False
    peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    if not isinstance(peer, tuple) or not isinstance(own, tuple):
        return False  # a Unix socket, where the peer was asked at the door
    uid = tcp_peer_uid((str(peer[0]), int(peer[1])), (str(own[0]), int(own[1])))
    return uid is not None and uid != os.getuid()
