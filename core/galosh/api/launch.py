"""Starts and stops the daemon process.

Rules: a start waits for the daemon's own word on a pipe (ready, or the error), never by
polling; a stop asks politely first, and signals only a process whose pid *and* start time
are the recorded ones. The daemon outlives its starter: own session, no terminal, its stray
output in the log folder.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from galosh.api.client import Client
from galosh.api.end import end_process, wait_for_end
from galosh.api.find import is_running, read_facts
from galosh.api.process import is_same
from galosh.api.wire import DaemonFacts
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say

if TYPE_CHECKING:
    import subprocess

_WINDOWS_FLAGS = 0x00000008 | 0x00000200 | 0x08000000  # detached, own group, no window
_STRAY = "daemon-stray.log"
_POLITE_SECONDS = 15.0
_TERMINATE_SECONDS = 5.0
_KILL_SECONDS = 5.0


def daemon_command() -> list[str]:
    """What runs the daemon: this Python, seeing nothing but its own environment."""
    return [sys.executable, "-I", "-m", "galosh.server"]


def start_daemon(
    paths: Paths, wait_seconds: float = 20.0, command: Sequence[str] | None = None
) -> DaemonFacts:
    """The running daemon's facts; starts it when it is not running.

    Raises the error the daemon stated (`server-port-in-use`, a settings error, …), or
    `api-daemon-start-failed` when it died or kept silent for `wait_seconds`.
    """
    running = is_running(paths)
    if running is not None:
        return running
    durable.private_folder(paths.logs)
    stray = paths.logs / _STRAY
    with stray.open("wb") as sink:
        process = _spawn([*(command or daemon_command()), "--detach"], paths, sink)
    reader = _FirstLine(process.stdout)
    line = reader.wait(wait_seconds)
    if line is None:
        process.kill()
    status = _let_go(process, reader, line is not None)
    facts = _facts_in(line)
    if facts is not None:
        return facts
    # Two starts at once: the other one won, and its daemon is what was asked for.
    running = is_running(paths)
    if running is not None:
        return running
    raise _start_error(line, status, stray, wait_seconds)


def stop_daemon(paths: Paths) -> DaemonFacts | None:
    """Stop the daemon and wait until its process has ended; None when none ran.

    Raises GaloshError `api-daemon-stuck` when it stays in spite of everything.
    """
    facts = read_facts(paths)
    if facts is None or not is_same(facts.pid, facts.mark):
        return None
    try:
        Client(paths).shutdown()
        polite_seconds = _POLITE_SECONDS
    except GaloshError:
        polite_seconds = 0.0  # it does not hear; no use in waiting
    if wait_for_end(facts.pid, facts.mark, polite_seconds):
        return facts
    for force, patience_seconds in ((False, _TERMINATE_SECONDS), (True, _KILL_SECONDS)):
        end_process(facts.pid, facts.mark, force=force)
        if wait_for_end(facts.pid, facts.mark, patience_seconds):
            return facts
    waited_seconds = polite_seconds + _TERMINATE_SECONDS + _KILL_SECONDS
    raise GaloshError("api-daemon-stuck", pid=facts.pid, waited_seconds=waited_seconds)


class _FirstLine:
    """Reads one line of a pipe beside us; a pipe cannot be waited for on every system."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        import threading

        assert pipe is not None
        self._pipe = pipe
        self._line = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bytes | None:
        """The line (empty: the pipe was closed without one); None when none came in time."""
        self._thread.join(seconds)
        return None if self._thread.is_alive() else self._line

    def close(self) -> None:
        """Close the pipe once nobody reads it."""
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._pipe.close()

    def _read(self) -> None:
        self._line = self._pipe.readline()


def _spawn(command: Sequence[str], paths: Paths, sink: IO[bytes]) -> subprocess.Popen[bytes]:
    import subprocess  # not paid for by commands that find the daemon running

    environ = dict(os.environ)
    if paths.home is not None:
        environ["GALOSH_HOME"] = str(paths.home)
    flags = _WINDOWS_FLAGS if sys.platform == "win32" else 0
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            env=environ,
            cwd=Path(paths.state),
            creationflags=flags,
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise GaloshError(
            "api-daemon-start-failed", reason=reason, log=str(paths.logs / "daemon.log")
        ) from error


def _let_go(process: subprocess.Popen[bytes], reader: _FirstLine, spoke: bool) -> int | None:
    """Leave the daemon to itself; the status of the process we spawned, if it ended."""
    reader.close()
    if sys.platform == "win32" and spoke and process.poll() is None:
        process.returncode = 0  # it is the daemon itself: not ours to wait for
        return None
    return process.wait()  # on POSIX the spawned process forks and ends at once


def _facts_in(line: bytes | None) -> DaemonFacts | None:
    return DaemonFacts.from_json(_message(line).get("ready"))


def _start_error(
    line: bytes | None, status: int | None, stray: Path, wait_seconds: float
) -> GaloshError:
    stated = _message(line).get("error")
    if isinstance(stated, dict):
        return GaloshError.from_json(stated)
    if line is None:
        reason = say("api.start.slow", waited_seconds=wait_seconds)
    else:
        reason = _last_line(stray) or say("api.start.ended", status=status)
    return GaloshError("api-daemon-start-failed", reason=reason, log=str(stray))


def _message(line: bytes | None) -> dict[str, object]:
    try:
        value: object = json.loads(line or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:300]
