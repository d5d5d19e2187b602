"""A streaming client that costs next to nothing while the answer runs.

On two cores a client that parses JSON per token slows down what it measures. This one only
notes when bytes came; everything is taken apart when the stream has ended. Speaks to the
daemon (Unix socket or TCP) and to llama-server alike, as OpenAI's clients do.
"""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_PIECE_BYTES = 65536


class RefusedError(Exception):
    """The server answered with an error, or broke off; the text is what it said."""


@dataclass(frozen=True)
class Address:
    """Where a server listens: the path of a Unix socket, or a loopback port."""

    path: str | None = None
    port: int | None = None
    token: str = ""

    def connect(self, limit_seconds: float) -> socket.socket:
        """A connected socket."""
        if self.path is None:
            return socket.create_connection(("127.0.0.1", self.port or 0), limit_seconds)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        door.settimeout(limit_seconds)
        door.connect(self.path)
        return door


@dataclass(frozen=True)
class Answer:
    """One streamed answer. pieces: seconds since the request was sent, and the text.

    counts: the usage block; extra: what the server says of its own times.
    """

    pieces: tuple[tuple[float, str], ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    extra: Mapping[str, float] = field(default_factory=dict)
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(text for _, text in self.pieces)

    @property
    def tokens(self) -> int:
        """Tokens of the answer."""
        return int(self.counts.get("completion_tokens", len(self.pieces)))

    @property
    def first_seconds(self) -> float:
        """From the request to the first word."""
        return self.pieces[0][0] if self.pieces else float("inf")

    @property
    def tokens_per_second(self) -> float:
        """Speed of writing between the first word and the last, as the client sees it."""
        if len(self.pieces) < 2:
            return 0.0
        return (self.tokens - 1) / max(1e-9, self.pieces[-1][0] - self.pieces[0][0])

    @property
    def longest_gap_seconds(self) -> float:
        """The longest silence between two pieces."""
        times = [seconds for seconds, _ in self.pieces]
        return max((late - soon for soon, late in itertools.pairwise(times)), default=0.0)


def stream(
    address: Address,
    path: str,
    body: Mapping[str, object],
    *,
    limit_seconds: float = 300.0,
) -> Answer:
    """Ask and read to the end. Raises RefusedError, OSError."""
    wish = {**body, "stream": True, "stream_options": {"include_usage": True}}
    with address.connect(limit_seconds) as door:
        began = time.perf_counter()
        door.sendall(request("POST", path, wish, address.token))
        received = []
        while data := door.recv(_PIECE_BYTES):
            received.append((time.perf_counter() - began, data))
    return _read(received)


def call(
    address: Address,
    method: str,
    path: str,
    body: Mapping[str, object] | None = None,
    *,
    limit_seconds: float = 120.0,
) -> Mapping[str, object]:
    """One plain call; the JSON object of the reply. Raises RefusedError, OSError."""
    with address.connect(limit_seconds) as door:
        door.sendall(request(method, path, body, address.token))
        received = []
        while data := door.recv(_PIECE_BYTES):
            received.append((0.0, data))
    _, stretches = _body(received)
    found = json.loads(b"".join(data for _, data in stretches) or b"{}")
    return found if isinstance(found, dict) else {}


def request(method: str, path: str, body: Mapping[str, object] | None, token: str) -> bytes:
    """The bytes of one request that ends its connection."""
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"Content-Length: {len(data)}", "Content-Type: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode() + data


def _read(received: list[tuple[float, bytes]]) -> Answer:
    _, stretches = _body(received)
    pieces: list[tuple[float, str]] = []
    counts: Mapping[str, int] = {}
    extra: dict[str, float] = {}
    reason = None
    for seconds, line in _lines(stretches):
        if not line.startswith(b"data: ") or line == b"data: [DONE]":
            continue
        chunk = json.loads(line[6:])
        if chunk.get("error"):
            raise RefusedError(str(chunk["error"])[:300])
        counts = chunk.get("usage") or counts
        extra.update(chunk.get("galosh") or chunk.get("timings") or {})
        for choice in chunk.get("choices") or ():
            reason = choice.get("finish_reason") or reason
            text = (choice.get("delta") or {}).get("content") or choice.get("text")
            if text:
                pieces.append((seconds, text))
    if reason is None:
        raise RefusedError("the stream ended in mid-answer")
    return Answer(tuple(pieces), counts, extra, reason)


def _body(received: list[tuple[float, bytes]]) -> tuple[int, list[tuple[float, bytes]]]:
    """Status and body, the body in stretches with the time each came. Raises RefusedError."""
    whole = b"".join(data for _, data in received)
    head, _, _ = whole.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    stretches = _after(received, len(head) + 4)
    if b"transfer-encoding: chunked" in head.lower():
        stretches = _dechunk(stretches)
    if status >= 400 or status == 0:
        raise RefusedError(f"{status}: " + b"".join(d for _, d in stretches)[:300].decode())
    return status, stretches


def _after(received: list[tuple[float, bytes]], offset: int) -> list[tuple[float, bytes]]:
    rest = []
    for seconds, data in received:
        kept = data[offset:]
        offset = max(0, offset - len(data))
        if kept:
            rest.append((seconds, kept))
    return rest


def _dechunk(stretches: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """Take the chunk framing out; a chunk counts from when its last byte came."""
    found: list[tuple[float, bytes]] = []
    rest = b""
    for seconds, data in stretches:
        rest += data
        while (end := rest.find(b"\r\n")) >= 0:
            size = int(rest[:end].split(b";")[0] or b"0", 16)
            if len(rest) < end + 2 + size + 2:
                break
            found.append((seconds, rest[end + 2 : end + 2 + size]))
            rest = rest[end + 2 + size + 2 :]
    return found


def _lines(stretches: list[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    rest = b""
    for seconds, data in stretches:
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            yield seconds, line.rstrip(b"\r")
