"""Two hundred connections that are slow, half-open, oversized or lying, all at once.

Owns them and their one thread, which goes round them a few times a second and opens again what
galosh has cut off. `quick_seconds` times what a user notices: a short question and its answer.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

_ROUND_SECONDS = 0.25
_FIRST_ROUNDS = 5
_JSON = "Content-Type: application/json\r\n"


class Crowd:
    """A context: the connections misbehave while it lasts. cut_off: how often galosh hung up."""

    def __init__(self, port: int, token: str, count: int = 200, seed: int = 6) -> None:
        self._port = port
        self._rng = random.Random(seed)
        host = f"Host: 127.0.0.1:{port}\r\n"
        known = f"{host}Authorization: Bearer {token}\r\n{_JSON}"
        self._kinds: Sequence[tuple[bytes, Callable[[], bytes]]] = [
            (b"", lambda: b""),  # says nothing
            (f"GET /v1/models HTTP/1.1\r\n{host}X-Slow: ".encode(), lambda: b"x"),  # never ends
            (b"GET / HTTP/1.1\r\nX: " + b"y" * 60_000, lambda: b"y" * 1000),
            (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500, lambda: b"X: y\r\n" * 50),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", self._noise),  # TLS, then noise
            (_post(known, 100) + b"{", lambda: b""),  # promises more than it sends
            (_post(known, 1 << 30), lambda: b" " * 65536),  # promises too much
            (_post(known, 15 << 20), lambda: b" " * 4096),  # allowed, and slow
            (_post(f"{host}Authorization: Bearer wrong\r\n{_JSON}", 1 << 20), lambda: b"x" * 9000),
            (_post(known, None) + b"ffffffffff\r\n", lambda: b"zz"),  # lies about a chunk
        ]
        self._open: list[tuple[socket.socket, Callable[[], bytes]]] = []
        self._count = count
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.cut_off = self.rounds = 0

    def __enter__(self) -> Crowd:
        for number in range(self._count):
            self._open.append(self._connect(number))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        for connection, _ in self._open:
            connection.close()

    def _run(self) -> None:
        while not self._stop.wait(_ROUND_SECONDS):
            self.rounds += 1
            for number, (connection, more) in enumerate(self._open):
                if not self._go_on(connection, more()):
                    connection.close()
                    self.cut_off += 1
                    with contextlib.suppress(OSError):
                        self._open[number] = self._connect(number)

    def wait(self) -> None:
        """Until all have misbehaved a few times."""
        while self.rounds < _FIRST_ROUNDS:
            time.sleep(_ROUND_SECONDS)

    def _connect(self, number: int) -> tuple[socket.socket, Callable[[], bytes]]:
        first, more = self._kinds[number % len(self._kinds)]
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        connection.setblocking(False)
        self._go_on(connection, first)
        return connection, more

    def _go_on(self, connection: socket.socket, data: bytes) -> bool:
        """Say more; whether the other side still listens. Its answer is thrown away."""
        try:
            if data:
                connection.send(data)
            while connection.recv(65536):
                pass
            return False
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _noise(self) -> bytes:
        return self._rng.randbytes(200)


def quick_seconds(port: int, token: str, times: int, tokens: int = 8) -> list[float]:
    """How long each of `times` short answers took, over a connection of its own."""
    question = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": tokens}
    body = json.dumps({**question, "temperature": 0}).encode()
    host = f"Host: 127.0.0.1:{port}\r\nConnection: close\r\n"
    head = _post(f"{host}Authorization: Bearer {token}\r\n{_JSON}", len(body))
    found = []
    for _ in range(times):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(head + body)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"no answer: {answer[:80]!r}")
        found.append(time.monotonic() - began)
    return found


def compare(port: int, token: str, times: int, count: int = 200) -> dict[str, float]:
    """Short answers alone and beside the crowd, in turns; medians, worst, and their ratio."""
    alone: list[float] = []
    beside: list[float] = []
    cut_off = 0
    for _ in range(3):
        alone += quick_seconds(port, token, times)
        with Crowd(port, token, count) as crowd:
            crowd.wait()
            beside += quick_seconds(port, token, times)
        cut_off += crowd.cut_off
    usual, crowded = statistics.median(alone), statistics.median(beside)
    return {
        "connections": count,
        "answers": len(beside),
        "alone_seconds": round(usual, 4),
        "beside_seconds": round(crowded, 4),
        "worst_alone_seconds": round(max(alone), 4),
        "worst_beside_seconds": round(max(beside), 4),
        "ratio": round(crowded / usual, 2),
        "cut_off": cut_off,
    }


def _post(lines: str, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST /v1/chat/completions HTTP/1.1\r\n{lines}{size}\r\n\r\n".encode()
