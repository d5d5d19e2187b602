"""macOS: nice, no core file, peak memory from getrusage. Best effort."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence

assert sys.platform != "win32"

_NICE = 5


class Darwin:
    """See galosh.worker.host.Host."""

    def settle(self) -> list[str]:
        refused = []
        try:
            os.nice(_NICE)
        except OSError:
            refused.append("nice")
        try:
            # A core file would hold the user's prompt.
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
        except (OSError, ValueError):
            refused.append("core-file")
        return refused

    def confine(
        self,
        read: Sequence[str],  # noqa: ARG002 - as Linux has it
        write: Sequence[str],  # noqa: ARG002
        file_bytes: int,  # noqa: ARG002
    ) -> list[str]:
        """macOS: what a program may ask for itself (sandbox_init) is withdrawn; nothing holds."""
        return []

    def resident_bytes(self) -> int | None:
        # macOS counts in bytes and tells the peak, which right after a load is the value.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def allow_large_pages(self, allowed: bool) -> None:
        """The system decides by itself here."""

    def limit_memory(self, extra_bytes: int) -> None:
        """macOS does not enforce RLIMIT_AS; the output and time limits remain."""

    def unlimit_memory(self) -> None:
        """See limit_memory."""

    def kill_after(self, seconds: float | None) -> None:
        # SIGALRM is left at its default, which ends the process without asking Python.
        signal.setitimer(signal.ITIMER_REAL, seconds or 0)

    def make_binary(self, descriptor: int) -> None:
        """Pipes carry bytes as they are here."""

    def path_bytes(self, path: str) -> bytes:
        return os.fsencode(path)

    def flag_reader_address(self) -> int:
        return ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value or 0
