"""Process groups on Windows: a new group at lower priority, ended as a tree."""

from __future__ import annotations

import subprocess
import sys

from galosh.engine.processes_posix import GroupOptions


def group_options() -> GroupOptions:
    """What makes a child the leader of its own group."""
    if sys.platform != "win32":
        return {}
    flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    return {"creationflags": flags | subprocess.CREATE_NO_WINDOW}


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End the child and everything it started."""
    command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
    subprocess.run(command, check=False, capture_output=True)
