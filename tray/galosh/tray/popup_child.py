"""The agent's end of the quick-prompt window: starts it, speaks with it, starts it again.

Owns the child process `python -m galosh.popup`. Rules: it is started before it is needed and
lives hidden; one that dies is replaced at once, one that keeps dying with growing pauses and in
the end not at all; what was to be shown while there was none is shown by the next one. The
child ends when our end of its pipe closes, however we die.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from galosh.tray.children import own_command

_HEALTHY_SECONDS = 10.0  # a child that lived so long did not die of how it was started
_TRIES = 5
_LEAVE_SECONDS = 2.0

Said = Mapping[str, Any]


class PopupChild:
    """tell: what the popup says, in a thread of ours."""

    def __init__(self, tell: Callable[[Said], None], module: str = "galosh.popup") -> None:
        self._tell = tell
        self._command = own_command(module)
        self._lock = threading.Lock()  # of the process
        self._writing = threading.Lock()  # of its input: the hotkey speaks past the loop
        self._process: subprocess.Popen[bytes] | None = None
        self._unsaid: Said | None = None
        self._started_seconds = 0.0
        self._deaths = 0
        self._closing = False

    def start(self) -> None:
        """Have one."""
        with self._lock:
            if self._closing or self.given_up or self._process is not None:
                return
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            except OSError:
                self._deaths = _TRIES
                return
            self._started_seconds = time.monotonic()
            reading = threading.Thread(
                target=self._read, args=(self._process,), name="galosh-popup", daemon=True
            )
            reading.start()

    @property
    def given_up(self) -> bool:
        """Whether none is to be had: no Tk, or five in a row that died."""
        return self._deaths >= _TRIES

    def send(self, message: Said) -> None:
        """Tell it; with none there, the next one hears the last thing that was to be shown."""
        if message.get("do") in ("show", "toggle"):
            self._unsaid = {**message, "do": "show"}
        process = self._process
        if process is not None and self._write(process, message):
            self._unsaid = None
        else:
            self.start()

    def close(self) -> None:
        """End it: by closing its input, then by force."""
        with self._lock:
            self._closing = True
            process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _write(self, process: subprocess.Popen[bytes], message: Said) -> bool:
        assert process.stdin is not None
        with self._writing:
            try:
                process.stdin.write(json.dumps(message).encode() + b"\n")
                process.stdin.flush()
            except (OSError, ValueError):
                return False
        return True

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._pass_on(process, process.stdout)
        process.wait()
        process.stdout.close()
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        self._process = None
        if time.monotonic() - self._started_seconds > _HEALTHY_SECONDS:
            self._deaths = 0
        self._deaths += 1
        if self._closing:
            return
        if self._deaths >= _TRIES:
            return
        if self._deaths > 1:
            time.sleep(2.0 ** (self._deaths - 2))
        self.start()

    def _pass_on(self, process: subprocess.Popen[bytes], lines: IO[bytes]) -> None:
        for line in lines:
            try:
                said = json.loads(line)
            except ValueError:
                continue  # a stray print of some library
            if not isinstance(said, dict):
                continue
            if said.get("event") == "failed":
                self._deaths = _TRIES  # it says itself that another one would fare no better
            if said.get("event") == "ready" and self._unsaid is not None:
                self._write(process, self._unsaid)
                self._unsaid = None
            self._tell(said)
