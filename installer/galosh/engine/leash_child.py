"""Runs one command and ends it, with all it started, when our parent is gone.

Standard library only. Its stdin is the leash: end-of-file there means that galosh died,
however suddenly, and that nobody may go on writing to its folders.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

# Ninja runs each compiler in a group of its own: only ninja can end them, when asked to.
_CLEAN_UP_SECONDS = 5.0


def main() -> int:
    """argv: how much lower the priority is to be, the command. Exits with its status."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Asked to end, we wait for the command, which was asked too. (A handler, unlike
    # SIG_IGN, is not passed on to the command.)
    signal.signal(signal.SIGTERM, lambda *_: None)
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.nice(int(sys.argv[1]))
    status = subprocess.run(sys.argv[2:], check=False, stdin=subprocess.DEVNULL).returncode
    return status if status >= 0 else 128 - status


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(os.getpid())], check=False)
    else:
        os.killpg(os.getpgrp(), signal.SIGTERM)
        time.sleep(_CLEAN_UP_SECONDS)
        os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
