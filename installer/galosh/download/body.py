"""The body of one reply, read straight into the caller's buffer.

Counts for itself: the cheapest read of the standard library reports no error on a body that
was cut. Never decodes, never reads ahead of what was asked.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests


class Body:
    """Bytes of one reply; `shut` may be called from another thread, the rest may not."""

    def __init__(self, reply: requests.Response) -> None:
        self._reply = reply
        self._raw: Any = reply.raw
        self._stream: Any = None
        self._left: int | None = None
        inner: Any = getattr(self._raw, "_fp", None)
        length: Any = getattr(inner, "length", None)
        if inner is not None and not getattr(inner, "chunked", True) and isinstance(length, int):
            # http.client's own buffered socket file: one system call per read, no copy.
            self._stream = getattr(inner, "fp", None)
            self._left = length
        if not hasattr(self._stream, "readinto1"):
            self._stream, self._left = None, None

    def read_into(self, view: memoryview) -> int:
        """At least one byte into `view`; 0 at the end. Raises what the socket raises."""
        if self._stream is not None and self._left is not None:
            if self._left == 0:
                return 0
            count: int = self._stream.readinto1(view[: self._left])
            self._left -= count
            return count
        read = getattr(self._raw, "read1", None)
        if read is not None:
            data: bytes = read(len(view), decode_content=False) or b""
        else:
            data = self._raw.read(min(len(view), 65536), decode_content=False) or b""
        view[: len(data)] = data
        return len(data)

    @property
    def ended(self) -> bool:
        """True if the body is known to be complete (its stated length was read)."""
        return self._left == 0

    @property
    def delimited(self) -> bool:
        """False if only the end of the connection marks the end of the body."""
        inner: Any = getattr(self._raw, "_fp", None)
        return self._left is not None or bool(getattr(inner, "chunked", False))

    def finish(self) -> None:
        """Give the connection back for the next request if nothing is left on it."""
        if self.ended:
            inner: Any = getattr(self._raw, "_fp", None)
            inner.close()
            self._raw.release_conn()
        else:
            self.close()

    def close(self) -> None:
        """Drop the connection."""
        with contextlib.suppress(Exception):
            self._reply.close()

    def shut(self) -> None:
        """Wake a read that hangs, from another thread: its socket ends at once."""
        connection: Any = getattr(self._raw, "_connection", None)
        sock: Any = getattr(connection, "sock", None)
        with contextlib.suppress(Exception):
            # The plain socket below TLS: SSLSocket.shutdown would pull the TLS state from
            # under the reading thread.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
