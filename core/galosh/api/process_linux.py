"""Start marks of processes out of /proc."""

from __future__ import annotations

from pathlib import Path


def start_mark(pid: int) -> str | None:
    """When `pid` started, as a word to compare; None when it has ended (or is a zombie)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything; the fields after the last one are fixed.
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return None
    return fields[19]
