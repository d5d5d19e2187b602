"""Start marks of processes by psutil (macOS, Windows)."""

from __future__ import annotations


def start_mark(pid: int) -> str | None:
    """When `pid` started, as a word to compare; None when it has ended (or is a zombie)."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.3f}"
    except psutil.Error:
        return None
