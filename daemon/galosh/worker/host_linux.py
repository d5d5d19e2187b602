"""Linux: gone with the parent, out-of-memory score, nice, no core file. Best effort."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from galosh.worker import landlock

assert sys.platform != "win32"

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_THP_DISABLE = 41
_OOM_SCORE = 800
_NICE = 5
_OPEN_FILES = 256


class Linux:
    """See galosh.worker.host.Host."""

    def __init__(self) -> None:
        self._limits: tuple[int, int] | None = None

    def settle(self) -> list[str]:
        # The signal comes when the parent's *thread* that started us ends; end-of-file on
        # stdin covers the rest, and a worker that is stopped needs this one.
        libc = ctypes.CDLL(None, use_errno=True)
        refused = []
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            refused.append("parent-death-signal")
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            refused.append("no-new-privileges")
        try:
            Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE), "ascii")
        except OSError:
            refused.append("oom-score")
        try:
            os.nice(_NICE)
        except OSError:
            refused.append("nice")
        try:
            # A core file would hold the user's prompt.
            resource.setrlimit(
                resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1])
            )
        except (OSError, ValueError):
            refused.append("core-file")
        return refused

    def confine(self, read: Sequence[str], write: Sequence[str], file_bytes: int) -> list[str]:
        holds = []
        for name, limit, most in (
            ("open-files", resource.RLIMIT_NOFILE, _OPEN_FILES),
            ("file-size", resource.RLIMIT_FSIZE, file_bytes),
        ):
            hard = resource.getrlimit(limit)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            try:
                resource.setrlimit(limit, (most, most))
                holds.append(name)
            except (OSError, ValueError):
                continue
        try:
            interface = landlock.restrict(read, write)
        except OSError:
            interface = 0  # switched off on this PC, or forbidden in this container
        return [f"landlock-{interface}", *holds] if interface else holds

    def resident_bytes(self) -> int | None:
        return self._statm(1)

    def allow_large_pages(self, allowed: bool) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, int(not allowed), 0, 0, 0)

    def limit_memory(self, extra_bytes: int) -> None:
        size_bytes = self._statm(0)
        if size_bytes is None or self._limits is not None:
            return
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = size_bytes + extra_bytes
        if soft != resource.RLIM_INFINITY:
            wanted = min(wanted, soft)
        self._limits = (soft, hard)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))

    def unlimit_memory(self) -> None:
        if self._limits is not None:
            resource.setrlimit(resource.RLIMIT_AS, self._limits)
            self._limits = None

    def kill_after(self, seconds: float | None) -> None:
        # SIGALRM is left at its default, which ends the process without asking Python.
        signal.setitimer(signal.ITIMER_REAL, seconds or 0)

    def make_binary(self, descriptor: int) -> None:
        """Pipes carry bytes as they are here."""

    def path_bytes(self, path: str) -> bytes:
        return os.fsencode(path)

    def flag_reader_address(self) -> int:
        return ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p).value or 0

    def _statm(self, column: int) -> int | None:
        try:
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[column])
        except (OSError, ValueError, IndexError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE")
