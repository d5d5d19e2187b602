"""Puts a text into the clipboard, by whatever of this desktop can.

On X11 and Windows and macOS by ourselves or the system's own command; on Wayland, where only a
window with the keyboard may, by `wl-copy` if it is installed. Never shows the text anywhere.
"""

from __future__ import annotations

import os
import subprocess
import sys

_SECONDS = 5.0


def copy(words: str) -> bool:
    """Whether it is there now."""
    if sys.platform == "darwin":
        return _run(["pbcopy"], words.encode())
    if sys.platform == "win32":
        return _run(["clip"], words.encode("utf-16"))
    if os.environ.get("WAYLAND_DISPLAY"):
        return _run(["wl-copy"], words.encode())
    return False


def _run(command: list[str], data: bytes) -> bool:
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(
            command, input=data, stdout=quiet, stderr=quiet, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
