"""Names the programs that hold most memory, so that the user knows what closing would give.

Reads the process table once, when a load was refused; never keeps it, never raises.
"""

from __future__ import annotations

import os
from collections import Counter

from galosh.base.texts import format_bytes

_NAMED = 3
_LEAST_BYTES = 50_000_000


def largest_programs() -> str:
    """ "firefox (1.2 GB), code (800 MB)"; empty where nothing can be told."""
    import psutil

    sizes: Counter[str] = Counter()
    try:
        for process in psutil.process_iter(["name", "memory_info", "pid", "ppid"]):
            facts = process.info
            if os.getpid() in (facts["pid"], facts["ppid"]) or facts["memory_info"] is None:
                continue
            memory = facts["memory_info"]
            # Shared pages would be counted once for every process of a program.
            sizes[facts["name"] or "?"] += memory.rss - getattr(memory, "shared", 0)
    except (psutil.Error, OSError, RuntimeError):
        return ""
    large = [(name, size) for name, size in sizes.most_common(_NAMED) if size >= _LEAST_BYTES]
    return ", ".join(f"{name} ({format_bytes(size)})" for name, size in large)
