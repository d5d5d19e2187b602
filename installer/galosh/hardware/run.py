"""Asks other programs and files, with a time limit, and never raises.

A program that hangs is killed with everything it started; one that prints without end is
cut off at `_MOST_BYTES`. Answers go through a file, because a grandchild that keeps a
pipe open would outlast any time limit on it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from galosh.base.texts import say

T = TypeVar("T")
_MOST_BYTES = 4 * 1024 * 1024
PROGRAM_LIMIT_SECONDS = 5.0


class Answer(NamedTuple):
    """What a program printed; None with the reason when there is nothing to read."""

    text: str | None
    why: str


Runner = Callable[[Sequence[str]], Answer]


def run_program(command: Sequence[str], limit_seconds: float = PROGRAM_LIMIT_SECONDS) -> Answer:
    """The standard output of `command`, its exit status 0, within the limit."""
    name = Path(command[0]).name
    environ = {**os.environ, "LC_ALL": "C", "LANG": "C"}
    try:
        with tempfile.TemporaryFile() as output:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                env=environ,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            try:
                status = child.wait(limit_seconds)
            except subprocess.TimeoutExpired:
                _kill(child)
                return Answer(
                    None, say("hardware.why.slow", program=name, limit_seconds=limit_seconds)
                )
            if status != 0:
                return Answer(None, say("hardware.why.failed", program=name, status=status))
            output.seek(0)
            return Answer(output.read(_MOST_BYTES).decode("utf-8", "replace"), name)
    except FileNotFoundError:
        return Answer(None, say("hardware.why.missing", program=name))
    except (OSError, ValueError) as error:
        return Answer(None, say("hardware.why.error", program=name, reason=str(error)))


def _kill(child: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        child.kill()
    else:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except OSError:
            child.kill()
    try:
        child.wait(1)
    except subprocess.TimeoutExpired:
        return  # stuck in the kernel; init will reap it


class Watched(Generic[T]):
    """Runs a probe in a thread of its own, so that a hanging disk or driver costs no more
    than the limit. A thread that never ends is left behind as a daemon."""

    def __init__(self, probe: Callable[[], T], label: str) -> None:
        self._probe = probe
        self._label = label
        self._results: list[T] = []
        self._why = ""
        self._done = threading.Event()
        threading.Thread(target=self._run, name=f"probe-{label}", daemon=True).start()

    def _run(self) -> None:
        try:
            self._results.append(self._probe())
        except Exception as error:  # a probe must never take the program down
            self._why = say("hardware.why.error", program=self._label, reason=str(error))
        self._done.set()

    def result(self, fallback: Callable[[str], T], limit_seconds: float) -> T:
        """The probe's answer, or `fallback(reason)` when it failed or was too slow."""
        if not self._done.wait(max(0.0, limit_seconds)):
            slow = say("hardware.why.slow", program=self._label, limit_seconds=limit_seconds)
            return fallback(slow)
        return self._results[0] if self._results else fallback(self._why)
