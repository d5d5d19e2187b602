"""Faults of docs/faults.md that need a whole server: crowds, guesses, a log that is full."""

from __future__ import annotations

import resource
import secrets
import socket
import sys
from pathlib import Path

import pytest

from galosh.base.paths import Paths
from galosh.server import doorway
from galosh.server.gate import Door, Verdict
from tests.fakes.serving import Running, raw, serving, wait_until
from tests.server.test_gate import PORT, TOKEN, knock

if sys.platform != "linux":
    pytest.skip("/dev/full and /proc are Linux's", allow_module_level=True)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_ten_thousand_guesses_of_the_token_are_all_refused() -> None:
    door = Door(PORT, TOKEN)
    guesses = [TOKEN[:n] + secrets.token_hex(32)[n:] for n in range(64)] * 157
    for guess in guesses:
        if guess != TOKEN:
            assert door.judge(knock(authorization=(f"Bearer {guess}",))) is Verdict.UNAUTHORIZED


def test_a_log_on_a_full_disk_costs_no_answer(paths: Paths) -> None:
    paths.logs.mkdir(parents=True)
    (paths.logs / "daemon.log").symlink_to("/dev/full")
    with serving(paths) as running:
        assert list(running.client.ask([{"role": "user", "content": "hello"}]))
        assert running.client.status()["daemon"]


def test_a_thousand_connections_leave_nothing_open(running: Running) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    running.client.status()
    before = descriptors()
    crowd = []
    try:
        for _ in range(1000):
            one = socket.create_connection(("127.0.0.1", running.port), timeout=30)
            one.sendall(b"GET / HTTP/1.1\r\n")
            crowd.append(one)
        assert running.client.status()["daemon"]  # over the socket
        head = f"GET /v1/models HTTP/1.1\r\nHost: localhost:{running.port}\r\nConnection: close\r\n"
        known = f"{head}Authorization: Bearer {running.token}\r\n\r\n".encode()
        assert raw(running.port, known, 30).startswith(b"HTTP/1.1 200")  # and past the crowd
    finally:
        for one in crowd:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: descriptors() <= before + 2, 30)


def test_no_code_builds_a_listening_socket_elsewhere() -> None:
    """One place binds, and what it binds is 127.0.0.1 or a path: no setting can change that."""
    repo = Path(__file__).parents[2]
    found = {
        path.relative_to(repo).as_posix(): line.strip()
        for root in ("core", "installer", "daemon", "presets")
        for path in (repo / root).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if ".bind((" in line or "create_server((" in line or "0.0.0.0" in line
    }
    assert found == {"daemon/galosh/server/sockets.py": 'door.bind(("127.0.0.1", port))'}


def test_a_header_that_comes_byte_by_byte_is_cut_off(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that keep coming do not prolong the time a client has for its headers."""
    monkeypatch.setattr(doorway, "_IDLE_SECONDS", 0.5)
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")

        def is_cut() -> bool:
            try:
                connection.sendall(b"x")
                connection.settimeout(0.05)
                return connection.recv(100) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_until(is_cut, 60)
