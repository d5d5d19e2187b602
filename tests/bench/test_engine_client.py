"""The measuring client: what came when, however the bytes were cut."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import closing

import pytest

from scripts.benches.engine_client import Address, RefusedError, stream


def event(text: str, reason: str | None = None) -> bytes:
    chunk = {"choices": [{"delta": {"content": text}, "finish_reason": reason}]}
    data = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def answered(pieces: Sequence[tuple[float, bytes]]) -> Address:
    """A server for one request that sends these bytes, each after a pause."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with closing(door), closing(door.accept()[0]) as visitor:
            visitor.recv(65536)
            for seconds, data in pieces:
                time.sleep(seconds)
                visitor.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    return Address(port=door.getsockname()[1])


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
USAGE = b'data: {"choices": [], "usage": {"completion_tokens": 3}}\n\n'
TAIL = f"{len(USAGE):x}\r\n".encode() + USAGE + b"\r\n0\r\n\r\n"


def test_each_piece_counts_from_when_its_last_byte_came() -> None:
    first, second, third = event("On"), event("ce"), event("!", "stop")
    half = len(second) // 2
    found = stream(
        answered([(0, HEAD + first + second[:half]), (0.2, second[half:] + third), (0, TAIL)]),
        "/v1/chat/completions",
        {},
    )
    assert found.text == "Once!"
    assert found.tokens == 3
    times = [seconds for seconds, _ in found.pieces]
    assert times[1] - times[0] >= 0.15
    assert found.longest_gap_seconds == pytest.approx(times[1] - times[0])
    assert found.tokens_per_second == pytest.approx(2 / (times[2] - times[0]))


def test_a_refusal_is_told() -> None:
    body = b'{"error": "busy"}'
    head = f"HTTP/1.1 503 No\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with pytest.raises(RefusedError, match="503"):
        stream(answered([(0, head + body)]), "/", {})


def test_half_an_answer_is_no_answer() -> None:
    with pytest.raises(RefusedError, match="mid-answer"):
        stream(answered([(0, HEAD + event("On"))]), "/", {})
