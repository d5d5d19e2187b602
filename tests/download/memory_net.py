"""A network in memory: what `fetch` needs of requests, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MemoryNet:
    """Serves `files` (URL -> bytes) with Range; counts what it sent."""

    def __init__(self, files: Mapping[str, bytes], etags: Mapping[str, str] | None = None) -> None:
        self.files = dict(files)
        self.etags = dict(etags or {})
        self.sent_bytes = 0
        self.requests: list[str] = []

    def session(self) -> Any:
        """A session factory's product."""
        return _MemorySession(self)


class _MemorySession:
    def __init__(self, net: MemoryNet) -> None:
        self._net = net
        self.cookies: dict[str, str] = {}

    def get(self, url: str, *, headers: Mapping[str, str], **_: object) -> Any:
        data = self._net.files[url]
        wish = headers.get("Range", "")
        self._net.requests.append(wish)
        reply: dict[str, str] = {}
        if url in self._net.etags:
            reply["ETag"] = self._net.etags[url]
        status = 200
        if wish:
            first, last = wish[len("bytes=") :].split("-")
            start, end = int(first), min(len(data), int(last) + 1 if last else len(data))
            if "If-Range" not in headers or headers["If-Range"] == reply.get("ETag"):
                status = 206
                reply["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
                data = data[start:end]
        reply["Content-Length"] = str(len(data))
        return _MemoryReply(self._net, url, status, reply, data)

    def close(self) -> None:
        """Nothing is open."""


class _MemoryReply:
    def __init__(
        self, net: MemoryNet, url: str, status: int, headers: dict[str, str], data: bytes
    ) -> None:
        self._net, self._data, self._at = net, data, 0
        self.url, self.status_code, self.headers = url, status, headers
        self.raw = self

    def read1(self, amount: int, decode_content: bool = False) -> bytes:
        piece = self._data[self._at : self._at + amount]
        self._at += len(piece)
        self._net.sent_bytes += len(piece)
        return piece

    def close(self) -> None:
        """Nothing is open."""
