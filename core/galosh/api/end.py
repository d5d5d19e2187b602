"""Ends a process that is known by pid and start mark, and waits for its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

from galosh.api.process import is_same

_PAUSE_SECONDS = 0.02


def end_process(pid: int, mark: str | None, *, force: bool) -> None:
    """Ask (SIGTERM) or force (SIGKILL) a process to end, if it still is the marked one."""
    if not is_same(pid, mark):
        return
    number = signal.SIGTERM
    if force and sys.platform != "win32":
        number = signal.SIGKILL
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def wait_for_end(pid: int, mark: str | None, patience_seconds: float) -> bool:
    """Whether the marked process has ended within `patience_seconds`.

    Linux tells by an event; elsewhere looking now and then is all there is for a process
    that is nobody's child.
    """
    deadline = time.monotonic() + patience_seconds
    if sys.platform == "linux":
        _wait_by_event(pid, patience_seconds)
    while is_same(pid, mark):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _wait_by_event(pid: int, patience_seconds: float) -> None:
    import select

    if sys.platform != "linux":
        return
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return  # gone already, or a kernel without it
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        poller.poll(patience_seconds * 1000)
    finally:
        os.close(descriptor)
