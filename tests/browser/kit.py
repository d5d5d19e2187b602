"""A hostile web site, a real Chromium that opens it, and a count of what came to galosh."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from galosh.server.gate import Door, Knock, Verdict
from galosh.supervisor.launch import Group

PAGE = Path(__file__).with_name("hostile.html")
EVIL = "evil.example"
_PATIENCE_SECONDS = 180.0  # a browser on a machine that does much else
_COMMANDS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# What protects a user of this browser only is switched off: galosh counts on none of it.
_NO_HELP = ",".join(
    ("LocalNetworkAccessChecks", "BlockInsecurePrivateNetworkRequests", "HttpsUpgrades",
     "HttpsFirstBalancedModeAutoEnable", "PrivateNetworkAccessSendPreflights")
)  # fmt: skip


class Site:
    """Serves the hostile page on a loopback address and takes its report.

    relay_to: once the page is out, every further connection goes, byte for byte, to this port
    of 127.0.0.1. For the browser the name then means another machine: a rebound name.
    """

    def __init__(self, address: str, port: int, plan: Mapping[str, object]) -> None:
        self.plan = dict(plan)
        self._told = threading.Event()
        self.report: dict[str, Any] = {}
        self._listener = socket.create_server((address, port))
        self.port = int(self._listener.getsockname()[1])
        self.relay_to: int | None = None
        self.cookies: list[str] = []  # that browsers showed to it
        self._rebound = False
        threading.Thread(target=self._accept, daemon=True).start()

    def wait(self) -> dict[str, Any]:
        """What the page says it could do."""
        assert self._told.wait(_PATIENCE_SECONDS), "the page did not report"
        return self.report

    def close(self) -> None:
        """Serve no more."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError):
            if self._rebound:
                self._relay(connection)
                return
            method, path, body, cookie = _read_request(connection)
            self.cookies += [cookie] if cookie else []
            if method == "POST" and path == "/report":
                self.take(json.loads(body))
                _send(connection, b"ok")
            elif path == "/":
                page = PAGE.read_text(encoding="utf-8").replace("PLAN", json.dumps(self.plan))
                self._rebound = self.relay_to is not None
                _send(connection, page.encode())
            else:
                _send(connection, b"", status="404 Not Found")

    def take(self, report: dict[str, Any]) -> None:
        """Keep a report."""
        self.report = report
        self._told.set()

    def _relay(self, connection: socket.socket) -> None:
        assert self.relay_to is not None
        with socket.create_connection(("127.0.0.1", self.relay_to)) as there:
            back = threading.Thread(target=_pump, args=(there, connection), daemon=True)
            back.start()
            _pump(connection, there)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _read_request(connection: socket.socket) -> tuple[str, str, bytes, str]:
    file = connection.makefile("rb")
    method, path, _ = file.readline().decode("latin-1").split(" ", 2)
    length, cookie = 0, ""
    while (line := file.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"cookie":
            cookie = value.strip().decode("latin-1")
    return method, path, file.read(length), cookie


def _send(connection: socket.socket, body: bytes, status: str = "200 OK") -> None:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Access-Control-Allow-Origin: *\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    connection.sendall(head.encode() + body)


def chromium() -> str:
    """The command of the browser."""
    command = next((found for name in _COMMANDS if (found := shutil.which(name))), None)
    assert command is not None, "this test needs Chromium (Debian: apt-get install chromium)"
    return command


@contextlib.contextmanager
def browser(url: str, folder: Path, *, rules: str) -> Iterator[None]:
    """A real browser with this page open, and nothing of it left afterwards."""
    command = chromium()
    log = folder / "chromium.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                command, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-dev-shm-usage", "--disable-background-networking",
                f"--disable-features={_NO_HELP}", "--disable-extensions", "--disable-sync",
                f"--user-data-dir={folder / 'profile'}", f"--host-resolver-rules={rules}", url,
            ],
            stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            Group.kill(process.pid)
            process.wait()


class Knocks:
    """Every request that came to the gate, and what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self.methods: Counter[str] = Counter()
        self.hosts: set[str] = set()
        judge = Door.judge

        def watched(door: Door, knock: Knock) -> Verdict:
            verdict = judge(door, knock)
            if door.port is not None:
                self.verdicts[verdict] += 1
                self.methods[knock.method] += 1
                self.hosts.update(knock.host)
            return verdict

        monkeypatch.setattr(Door, "judge", watched)
