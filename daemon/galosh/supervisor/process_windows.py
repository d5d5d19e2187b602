"""A worker's process on Windows: no window, a group of its own, ended by handle."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any

if sys.platform == "win32":

    class ProcessGroup:
        """See the module."""

        @staticmethod
        def options() -> dict[str, Any]:
            """Extra arguments for starting the process."""
            flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
            return {"creationflags": flags | subprocess.BELOW_NORMAL_PRIORITY_CLASS}

        @staticmethod
        def terminate(pid: int) -> None:
            """Windows knows no polite end for a process without a window; see kill."""
            ProcessGroup.kill(pid)

        @staticmethod
        def kill(pid: int) -> None:
            """End the process. Only for one that is not reaped yet."""
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)  # TerminateProcess
