"""The wire between daemon and worker: length-prefixed JSON objects, version 2. Pure.

A frame is a 4-byte big-endian length and that many bytes of JSON (one object). Text is
escaped to ASCII, so that a lone surrogate survives the trip and no byte sequence can be
invalid. Owns the format only; must never read or write a pipe, and must never keep more
than one frame's worth of bytes of a peer that lies about lengths.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

PROTOCOL = 2
MAX_FRAME_BYTES = 64 * 1024 * 1024
_PREFIX_BYTES = 4


class FrameError(Exception):
    """The bytes are not frames of this protocol: nothing after them can be trusted.

    reason: one of too-long, not-json, not-an-object, cut, protocol.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode(message: Mapping[str, object]) -> bytes:
    """One frame of `message`; raises FrameError where it is too long or holds NaN or a
    value that JSON has no word for."""
    try:
        body = _ENCODER.encode(message).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError("not-json") from error
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError("too-long")
    return len(body).to_bytes(_PREFIX_BYTES, "big") + body


class FrameDecoder:
    """Turns bytes, however they are cut, into messages."""

    def __init__(self, limit_bytes: int = MAX_FRAME_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, object]]:
        """The messages that `data` completes, in order; raises FrameError at the first bad one.

        The iterator must be drained before the next call.
        """
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _PREFIX_BYTES:
                body = start + _PREFIX_BYTES
                length_bytes = int.from_bytes(self._buffer[start:body], "big")
                if length_bytes > self._limit_bytes:
                    raise FrameError("too-long")
                if len(self._buffer) - body < length_bytes:
                    break
                start = body + length_bytes
                yield _message(bytes(self._buffer[body:start]))
        finally:
            del self._buffer[:start]

    def finish(self) -> None:
        """Say that no more bytes will come; raises FrameError where a frame was cut."""
        if self._buffer:
            raise FrameError("cut")


def hello(binding: str, system: str, pid: int) -> dict[str, object]:
    """The worker's first message: its protocol, binding version and native build."""
    return {
        "type": "hello",
        "protocol": PROTOCOL,
        "binding": binding,
        "system": system,
        "pid": pid,
    }


def check_hello(message: Mapping[str, object]) -> None:
    """Raise FrameError unless `message` is a hello of this protocol."""
    if message.get("type") != "hello" or message.get("protocol") != PROTOCOL:
        raise FrameError("protocol")


def _message(body: bytes) -> dict[str, object]:
    try:
        message = _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FrameError("not-json") from error
    if not isinstance(message, dict):
        raise FrameError("not-an-object")
    return message


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


# Made once: a frame a token makes the making of these a cost of its own.
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
