"""Recognises a process again: a pid alone may belong to somebody else by now."""

from __future__ import annotations

import sys

if sys.platform == "linux":
    from galosh.api.process_linux import start_mark
else:
    from galosh.api.process_other import start_mark

__all__ = ["is_same", "start_mark"]


def is_same(pid: int, mark: str | None) -> bool:
    """Whether `pid` still is the process that had this start mark."""
    return mark is not None and start_mark(pid) == mark
