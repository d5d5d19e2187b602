"""Sends a file the way a `Fault` says: ranges, lies in the headers, cuts, hangs, slow links.

Owns what goes over the wire for one file reply. Never decides which fault applies.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import socket
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.fakes.faults import Fault, RateLimit, Request

_BLOCK_BYTES = 256 * 1024
_KERNEL_BYTES = 16 * 1024 * 1024


class ConnectionEndsError(Exception):
    """The fault wants the connection to end here."""


@dataclasses.dataclass
class Served:
    """One file on the server: bytes in memory or a file on disk (for large ones)."""

    content: bytes | Path
    etag: str | None = None
    content_type: str = "application/octet-stream"
    known_sha256: str | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Length of the whole file."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    @property
    def sha256(self) -> str:
        """The digest, computed once."""
        if self.known_sha256 is None:
            data = self.content.read_bytes() if isinstance(self.content, Path) else self.content
            self.known_sha256 = hashlib.sha256(data).hexdigest()
        return self.known_sha256

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the file; zeros beyond its end (a lying server must send something)."""
        if isinstance(self.content, Path):
            with self.content.open("rb") as file:
                file.seek(offset)
                data = file.read(length)
        else:
            data = self.content[offset : offset + length]
        return data + bytes(length - len(data))


@dataclasses.dataclass
class Link:
    """One connection: its own speed limit and how much went over it."""

    handler: BaseHTTPRequestHandler
    stop: threading.Event
    limits: tuple[RateLimit, ...]
    sent_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class _Window:
    """What one reply says and sends: the real first byte, length, and what it claims."""

    status: int
    start: int
    length: int
    content_range: str | None


def send_file(link: Link, request: Request, served: Served, fault: Fault) -> None:
    """Answer `request` with `served`, spoiled by `fault`."""
    window = _window(request, served, fault)
    if window.status == 416:
        total = fault.claimed_total or served.size_bytes
        send_bytes(link, request, 416, {"Content-Range": f"bytes */{total}"}, b"")
        return
    body = served.read(window.start, window.length) if fault.gzip else None
    if body is not None:
        body = gzip.compress(body, 1)
    length = window.length if body is None else len(body)
    headers = _headers(served, window, fault, length)
    _start(link, request, window.status, headers)
    if request.method == "HEAD":
        return
    if body is not None:
        _send_blocks(link, request, fault, served, 0, length, body)
    elif _by_kernel(link, fault) and isinstance(served.content, Path):
        _send_by_kernel(link, request, served.content, window)
    else:
        _send_blocks(link, request, fault, served, window.start + fault.silent_shift, length, None)
    if fault.no_length or fault.length_delta:
        raise ConnectionEndsError


def send_bytes(
    link: Link, request: Request, status: int, headers: dict[str, str], body: bytes
) -> None:
    """A short, honest reply."""
    _start(link, request, status, {**headers, "Content-Length": str(len(body))})
    if request.method != "HEAD":
        link.handler.wfile.write(body)
        request.bytes_sent += len(body)


def _window(request: Request, served: Served, fault: Fault) -> _Window:
    size = served.size_bytes
    wanted = request.range
    if_range = request.headers.get("if-range")
    if if_range is not None and if_range != served.etag and not fault.ignore_if_range:
        wanted = None
    if wanted is None or fault.ignore_range:
        return _Window(200, 0, size, None)
    if wanted[0] >= size:
        return _Window(416, 0, 0, None)
    last = min(size - 1, size - 1 if wanted[1] is None else wanted[1])
    start = max(0, wanted[0] + fault.start_shift)
    total = fault.claimed_total or size
    return _Window(206, start, last - start + 1, f"bytes {start}-{last}/{total}")


def _headers(served: Served, window: _Window, fault: Fault, length: int) -> dict[str, str]:
    headers = {"Content-Type": served.content_type, "Accept-Ranges": "bytes", **served.headers}
    if served.etag is not None:
        headers["ETag"] = served.etag
    if window.content_range is not None:
        headers["Content-Range"] = window.content_range
    if fault.gzip:
        headers["Content-Encoding"] = "gzip"
    if fault.chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif fault.no_length:
        headers["Connection"] = "close"
    else:
        headers["Content-Length"] = str(max(0, length + fault.length_delta))
    headers.update(fault.headers)
    hidden = {name.lower() for name in fault.hide_headers}
    return {name: value for name, value in headers.items() if name.lower() not in hidden}


def _start(link: Link, request: Request, status: int, headers: dict[str, str]) -> None:
    request.status = status
    link.handler.send_response(status)
    for name, value in headers.items():
        link.handler.send_header(name, value)
    link.handler.end_headers()


def _by_kernel(link: Link, fault: Fault) -> bool:
    plain = not link.limits and not isinstance(link.handler.connection, ssl.SSLSocket)
    choice = dataclasses.replace(
        fault, skip=0, times=None, resume_only=False, methods=(), delay_seconds=0.0
    )
    return plain and choice == Fault(methods=())


def _send_by_kernel(link: Link, request: Request, path: Path, window: _Window) -> None:
    """Without a copy through Python, so that benchmarks measure the client."""
    connection = link.handler.connection
    at, end = window.start, window.start + window.length
    with path.open("rb") as file:
        while at < end:
            sent = connection.sendfile(file, at, min(end - at, _KERNEL_BYTES))
            if sent == 0:
                raise ConnectionEndsError
            at += sent
            request.bytes_sent += sent
            link.sent_bytes += sent


def _send_blocks(
    link: Link,
    request: Request,
    fault: Fault,
    served: Served,
    start: int,
    length: int,
    body: bytes | None,
) -> None:
    limits = link.limits
    if fault.drip_bytes_per_second is not None:
        limits = (*limits, RateLimit(fault.drip_bytes_per_second))
    at = 0
    while at < length:
        size = min([length - at, _BLOCK_BYTES, *(limit.block_bytes for limit in limits)])
        size = min(size, _allowed(link, fault, at))
        if body is not None:
            block = body[at : at + size]
        else:
            block = _flipped(served.read(max(0, start + at), size), start + at, fault)
        for limit in limits:
            limit.take(size, link.stop)
        if link.stop.is_set():
            raise ConnectionEndsError
        if fault.chunked:
            link.handler.wfile.write(b"%x\r\n%s\r\n" % (size, block))
        else:
            link.handler.wfile.write(block)
        at += size
        link.sent_bytes += size
        request.bytes_sent += size
    if fault.chunked:
        link.handler.wfile.write(b"0\r\n\r\n")


def _allowed(link: Link, fault: Fault, sent: int) -> int:
    """How many bytes may go before the fault strikes; strikes when there are none left."""
    allowed = 1 << 62
    if fault.cut_after_bytes is not None:
        allowed = min(allowed, fault.cut_after_bytes - sent)
    if fault.cut_every_bytes is not None:
        allowed = min(allowed, fault.cut_every_bytes - link.sent_bytes)
    if fault.hang_after_bytes is not None and sent >= fault.hang_after_bytes:
        # The client hanging up is noticed by the read, the end of the test by `stop`.
        _wait_for_hang_up(link)
        raise ConnectionEndsError
    if fault.hang_after_bytes is not None:
        allowed = min(allowed, fault.hang_after_bytes - sent)
    if allowed <= 0:
        if fault.reset:
            link.handler.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        raise ConnectionEndsError
    return allowed


def _wait_for_hang_up(link: Link) -> None:
    connection = link.handler.connection
    connection.settimeout(0.2)
    while not link.stop.is_set():
        try:
            if connection.recv(4096) == b"":
                return
        except TimeoutError:  # noqa: PERF203  (the loop waits for exactly this)
            continue
        except OSError:
            return


def _flipped(block: bytes, start: int, fault: Fault) -> bytes:
    if fault.flip_at is None or not start <= fault.flip_at < start + len(block):
        return block
    fault.flips += 1
    spoiled = bytearray(block)
    spoiled[fault.flip_at - start] ^= 1
    return bytes(spoiled)
