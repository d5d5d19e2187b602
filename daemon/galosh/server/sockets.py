"""Opens the two doors: a Unix socket in a private folder, and loopback TCP.

Rules: the folder is made private before anything is bound in it; a socket file is removed
only after nobody answered on it (the caller holds the daemon's lock); TCP binds 127.0.0.1
and nothing else.
"""

from __future__ import annotations

import errno
import socket
import sys
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say

_BACKLOG = 128
_PROBE_SECONDS = 1.0


def open_unix(path: Path) -> socket.socket:
    """A listening Unix socket only this user can reach.

    Raises GaloshError `server-already-running`, `server-socket-failed` or
    `base-not-writable`.
    """
    folder = path.parent
    if folder.is_symlink():
        raise GaloshError("server-socket-failed", path=str(path), reason="symbolic link")
    durable.private_folder(folder)
    if answers(path):
        raise GaloshError("server-already-running", pid=None)
    door = socket.socket(_unix_family(), socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        door.bind(str(path))
        path.chmod(0o600)
        door.listen(_BACKLOG)
    except OSError as error:
        door.close()
        reason = error.strerror or str(error)
        raise GaloshError("server-socket-failed", path=str(path), reason=reason) from error
    door.setblocking(False)
    return door


def open_tcp(port: int, paths: Paths) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes any free one.

    Raises GaloshError `server-port-in-use` or `server-socket-failed`.
    """
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            door.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", port))
        door.listen(_BACKLOG)
    except OSError as error:
        door.close()
        # Windows answers EACCES both for a taken and for a reserved port.
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise GaloshError(
                "server-port-in-use",
                port=port,
                holder=holder_of(port),
                settings=str(paths.settings_file),
            ) from error
        reason = error.strerror or str(error)
        raise GaloshError(
            "server-socket-failed", path=f"127.0.0.1:{port}", reason=reason
        ) from error
    door.setblocking(False)
    return door


def answers(path: Path) -> bool:
    """Whether something accepts connections on a Unix socket."""
    with socket.socket(_unix_family(), socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def holder_of(port: int) -> str:
    """Who listens on a port, as far as this user may see."""
    import psutil

    try:
        for item in psutil.net_connections(kind="tcp"):
            if item.laddr and item.laddr.port == port and item.status == psutil.CONN_LISTEN:
                if item.pid is None:
                    break
                return say("server.holder", name=psutil.Process(item.pid).name(), pid=item.pid)
    except (psutil.Error, OSError):
        pass
    return say("server.holder.unknown")


def _unix_family() -> socket.AddressFamily:
    # Looked up by name because the type stubs for Windows do not have it.
    family: socket.AddressFamily = socket.__dict__["AF_UNIX"]
    return family
