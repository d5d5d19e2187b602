"""Ends, interrupts and freezes the processes of a bench, on every system as far as it can.

Owns the difference between POSIX process groups and Windows. Touches only processes it is given.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

How = Literal["interrupt", "end", "kill"]
Text = subprocess.Popen[str]


def start(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Text:
    """Start a command in a process group of its own, its output in one pipe."""
    return subprocess.Popen(
        list(command), cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def stop(process: Text, how: How) -> None:
    """Ask a process to stop, or kill it, with its children where the system groups them."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        if how == "kill":
            process.kill()
        else:
            process.terminate()
    else:
        numbers = {"interrupt": signal.SIGINT, "end": signal.SIGTERM, "kill": signal.SIGKILL}
        os.killpg(process.pid, numbers[how])


def freeze(process: Text, seconds: float) -> None:
    """Let the process sleep like a PC that was closed; Windows has no such signal."""
    if sys.platform == "win32":
        time.sleep(seconds)
    elif process.poll() is None:
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGCONT)
