"""What the worker asks of the operating system: one Protocol, one module per system.

Everything here is best effort: a wish that the system refuses is reported by name (for the
log), never raised.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol


class Host(Protocol):
    """The operating system as the worker sees it."""

    def settle(self) -> list[str]:
        """Make this process the polite one: lower priority, first to go when memory runs
        out, gone with its parent, no crash file. Returns the names of refused wishes."""

    def confine(self, read: Sequence[str], write: Sequence[str], file_bytes: int) -> list[str]:
        """Let this thread, and all it starts, reach only these files and folders, start no
        program, open no connection, and write no file longer than `file_bytes`. For good.
        Returns what holds from now on, by name."""

    def resident_bytes(self) -> int | None:
        """Memory this process holds in RAM now."""

    def allow_large_pages(self, allowed: bool) -> None:
        """Whether memory that is first touched from now on may come in pages of 2 MB."""

    def limit_memory(self, extra_bytes: int) -> None:
        """Let this process grow by `extra_bytes` at most; more fails as MemoryError."""

    def unlimit_memory(self) -> None:
        """Undo limit_memory."""

    def kill_after(self, seconds: float | None) -> None:
        """End this process in `seconds` even if the interpreter is stuck; None: never mind."""

    def make_binary(self, descriptor: int) -> None:
        """Let no byte of this pipe be translated."""

    def path_bytes(self, path: str) -> bytes:
        """A file name in the encoding that llama.cpp opens files with."""

    def flag_reader_address(self) -> int:
        """Address of a native `int f(const char *)` that is 0 at a zero byte, else 1."""


def find_host() -> Host:
    """The system this process runs on."""
    if sys.platform == "win32":
        from galosh.worker.host_win32 import Windows as System
    elif sys.platform == "darwin":
        from galosh.worker.host_darwin import Darwin as System
    else:
        from galosh.worker.host_linux import Linux as System
    return System()
