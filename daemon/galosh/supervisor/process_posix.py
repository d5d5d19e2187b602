"""A worker's process group on Linux and macOS.

The worker leads a session of its own, so that Ctrl-C in the daemon's terminal is the
daemon's to answer and one signal reaches whatever native code may have forked.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any

if sys.platform != "win32":

    class ProcessGroup:
        """See the module."""

        @staticmethod
        def options() -> dict[str, Any]:
            """Extra arguments for starting the process."""
            return {"start_new_session": True}

        @staticmethod
        def terminate(pid: int) -> None:
            """Ask the whole group to end. Only for a process that is not reaped yet."""
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGTERM)

        @staticmethod
        def kill(pid: int) -> None:
            """End the whole group. Only for a process that is not reaped yet."""
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
