"""`galosh popup`: shows the quick prompt; what a desktop's own key binding runs.

Loads nothing heavy: somebody has pressed a key and waits. The tray shows the window; where no
tray runs, one is started.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.base.texts import say
from galosh.cli.ask import ready_client
from galosh.cli.output import Output

# Of a tray that runs but does not follow the daemon's events yet (one of the two just started).
_PATIENCE_SECONDS = 5.0
_EVERY_SECONDS = 0.25


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Ask the tray, or start it. Raises GaloshError `cli-popup-unheard`."""
    paths = Paths.find()
    if not _is_held(paths.runtime / "tray.lock"):
        _start_tray(paths)
        output.result({"asked": True, "tray_started": True}, say("cli.popup-tray-started"))
        return 0
    client = ready_client(output)
    end = time.monotonic() + _PATIENCE_SECONDS
    while not client.ask_for_popup():
        if time.monotonic() > end:
            raise GaloshError("cli-popup-unheard", waited_seconds=_PATIENCE_SECONDS)
        time.sleep(_EVERY_SECONDS)
    output.result({"asked": True, "tray_started": False}, "")
    return 0


def _start_tray(paths: Paths) -> None:
    """A tray of its own session, which outlives this command and its terminal."""
    environ = dict(os.environ)
    if paths.home is not None:
        environ["GALOSH_HOME"] = str(paths.home)
    flags = 0x00000008 | 0x00000200 if sys.platform == "win32" else 0  # detached, own group
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "galosh.tray", "--show-popup"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environ,
        start_new_session=True,
        creationflags=flags,
    )
    process.returncode = 0  # it lives on: not ours to wait for


def _is_held(lock: Path) -> bool:
    """Whether somebody holds this lock, as filelock does; without loading filelock."""
    if sys.platform == "win32":
        from filelock import FileLock, Timeout

        try:
            with FileLock(lock, timeout=0):
                return False
        except (OSError, Timeout):
            return lock.exists()
    import fcntl

    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
