"""Runs the real server over the fake supervisor in a thread of the test's process."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from galosh.api import Client, DaemonFacts
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.server.daemon import serve
from tests.fakes.supervisor import FakeParts, FakeSupervisor


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    paths: Paths
    facts: DaemonFacts
    supervisor: FakeSupervisor

    @property
    def client(self) -> Client:
        """A client of it."""
        return Client(self.paths)

    @property
    def token(self) -> str:
        """What its TCP door asks for."""
        return self.paths.token_file.read_text().strip()

    @property
    def port(self) -> int:
        """Its TCP port."""
        assert self.facts.port
        return self.facts.port


def any_port(paths: Paths, extra: str = "") -> None:
    """Settings under which several daemons can run on one PC."""
    durable.write_text(paths.settings_file, f"[api]\nport = 0\n{extra}")


@contextlib.contextmanager
def serving(paths: Paths, parts: FakeParts | None = None) -> Iterator[Running]:
    """The server from ready to stopped."""
    if not paths.settings_file.exists():
        any_port(paths)
    parts = parts or FakeParts()
    heard: list[DaemonFacts] = []
    failed: list[BaseException] = []
    ready = threading.Event()

    def take(facts: DaemonFacts) -> None:
        heard.append(facts)
        ready.set()

    def run() -> None:
        try:
            serve(paths, parts, take)
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(20)
    if failed:
        raise failed[0]
    assert parts.made is not None
    try:
        yield Running(paths, heard[0], parts.made)
    finally:
        with contextlib.suppress(GaloshError):  # a test may have stopped it already
            Client(paths).shutdown()
        thread.join(20)
        assert not thread.is_alive()
        assert not failed


def raw(port: int, data: bytes, timeout_seconds: float = 5.0) -> bytes:
    """Send bytes to a port and read until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_seconds) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        parts = []
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)


def wait_until(condition: Callable[[], bool], patience_seconds: float = 5.0) -> float:
    """Wait for something another thread does; returns how long it took in seconds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < patience_seconds
        time.sleep(0.002)
    return time.monotonic() - began
