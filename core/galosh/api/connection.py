"""A small HTTP/1.1 client over a socket: one request per connection.

Its own because the standard one costs more start-up time (ssl, email) than the whole
`galosh status` may take. Reads what our daemon writes: Content-Length or chunked bodies.
Raises OSError for a broken connection and ValueError for what is no HTTP.
"""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Iterator, Mapping
from types import TracebackType

_LINE_LIMIT_BYTES = 64 * 1024
_HEADERS_LIMIT = 100
_PIECE_BYTES = 64 * 1024


class Exchange:
    """One request and its answer; a context that closes the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader: io.BufferedReader = connection.makefile("rb")
        self.status = 0
        self._headers: dict[str, str] = {}

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Send the request and read the answer's head."""
        lines = [f"{method} {path} HTTP/1.1", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method in ("POST", "PUT"):
            lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        # Refused half-way: the answer that says why may already be there.
        with contextlib.suppress(BrokenPipeError):
            self._socket.sendall(head + body)
        self._read_head()

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self._pieces())

    def lines(self) -> Iterator[bytes]:
        """The body line by line, each as soon as it is complete, without its end."""
        rest = b""
        for piece in self._pieces():
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def close(self) -> None:
        """Hang up; the daemon stops what it was doing for us."""
        self._reader.close()
        self._socket.close()

    def __enter__(self) -> Exchange:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_head(self) -> None:
        parts = self._line().split(None, 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
            raise ValueError(b" ".join(parts)[:60].decode("latin-1"))
        self.status = int(parts[1])
        for _ in range(_HEADERS_LIMIT):
            line = self._line()
            if not line:
                break
            name, _, value = line.decode("latin-1").partition(":")
            self._headers[name.strip().lower()] = value.strip()
        else:
            raise ValueError("too many headers")
        if self.status == 100:
            self._headers.clear()
            self._read_head()

    def _pieces(self) -> Iterator[bytes]:
        if self._headers.get("transfer-encoding", "").lower() == "chunked":
            yield from self._chunks()
            return
        length = self._headers.get("content-length")
        left = None if length is None else int(length)
        while left is None or left > 0:
            piece = self._read(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES))
            if not piece:
                if left:
                    raise ConnectionResetError("end of stream")
                return
            left = None if left is None else left - len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = int(self._line().partition(b";")[0], 16)
            if size == 0:
                while self._line():
                    pass
                return
            data = self._reader.read(size)
            if len(data) < size:
                raise ConnectionResetError("end of stream")
            self._line()
            yield data

    def _read(self, size: int) -> bytes:
        return self._reader.read1(size)

    def _line(self) -> bytes:
        line = self._reader.readline(_LINE_LIMIT_BYTES)
        if not line.endswith(b"\n"):
            raise ConnectionResetError("end of stream")
        return line.rstrip(b"\r\n")


def connect_unix(path: str, timeout_seconds: float | None) -> socket.socket:
    """Connect to a Unix socket; raises OSError."""
    family: socket.AddressFamily = socket.__dict__["AF_UNIX"]
    return _connected(socket.socket(family, socket.SOCK_STREAM), path, timeout_seconds)


def connect_tcp(port: int, timeout_seconds: float | None) -> socket.socket:
    """Connect to 127.0.0.1; raises OSError."""
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    return _connected(connection, ("127.0.0.1", port), timeout_seconds)


def _connected(
    connection: socket.socket, place: str | tuple[str, int], timeout_seconds: float | None
) -> socket.socket:
    try:
        connection.settimeout(timeout_seconds)
        connection.connect(place)
    except OSError:
        connection.close()
        raise
    return connection
