"""Process groups on Linux and macOS."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TypedDict

_ASKED_SECONDS = 3.0


class GroupOptions(TypedDict, total=False):
    """Keyword arguments for Popen."""

    start_new_session: bool
    creationflags: int


def group_options() -> GroupOptions:
    """What makes a child the leader of its own group."""
    return {"start_new_session": True}


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End the child and everything it started; asked first, so that ninja ends its compilers."""
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_ASKED_SECONDS)
