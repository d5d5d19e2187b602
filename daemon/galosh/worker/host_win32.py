"""Windows: priority below normal, no crash dialog, working set. Best effort.

Dying with the parent is the supervisor's job object; end-of-file on stdin covers the rest.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import sys
from collections.abc import Sequence

assert sys.platform == "win32"

import msvcrt  # noqa: E402 - exists on Windows only

_BELOW_NORMAL_PRIORITY_CLASS = 0x4000
_SEM_QUIET = 0x0001 | 0x0002 | 0x8000


class _MemoryCounters(ctypes.Structure):
    _fields_ = (
        ("cb", ctypes.c_uint32),
        ("page_faults", ctypes.c_uint32),
        ("peak_working_set", ctypes.c_size_t),
        ("working_set", ctypes.c_size_t),
        ("quota_peak_paged", ctypes.c_size_t),
        ("quota_paged", ctypes.c_size_t),
        ("quota_peak_non_paged", ctypes.c_size_t),
        ("quota_non_paged", ctypes.c_size_t),
        ("pagefile", ctypes.c_size_t),
        ("peak_pagefile", ctypes.c_size_t),
    )


class Windows:
    """See galosh.worker.host.Host."""

    def __init__(self) -> None:
        self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        self._kernel.GetCurrentProcess.restype = ctypes.c_void_p
        self._kernel.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_uint32)

    def settle(self) -> list[str]:
        self._kernel.SetErrorMode(_SEM_QUIET)
        process = self._kernel.GetCurrentProcess()
        done = self._kernel.SetPriorityClass(process, _BELOW_NORMAL_PRIORITY_CLASS)
        return [] if done else ["priority"]

    def confine(
        self,
        read: Sequence[str],  # noqa: ARG002 - as Linux has it
        write: Sequence[str],  # noqa: ARG002
        file_bytes: int,  # noqa: ARG002
    ) -> list[str]:
        """Windows: rights are given to a process when it is made; nothing to give up here."""
        return []

    def resident_bytes(self) -> int | None:
        counters = _MemoryCounters()
        counters.cb = ctypes.sizeof(counters)
        query = self._kernel.K32GetProcessMemoryInfo
        query.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
        process = self._kernel.GetCurrentProcess()
        if not query(process, ctypes.byref(counters), counters.cb):
            return None
        return int(counters.working_set)

    def allow_large_pages(self, allowed: bool) -> None:
        """The system decides by itself here."""

    def limit_memory(self, extra_bytes: int) -> None:
        """Windows has no such limit within a process; the output and time limits remain."""

    def unlimit_memory(self) -> None:
        """See limit_memory."""

    def kill_after(self, seconds: float | None) -> None:
        if seconds is None:
            faulthandler.cancel_dump_traceback_later()
        else:
            faulthandler.dump_traceback_later(seconds, exit=True)

    def make_binary(self, descriptor: int) -> None:
        msvcrt.setmode(descriptor, os.O_BINARY)

    def path_bytes(self, path: str) -> bytes:
        # llama.cpp widens UTF-8 itself on Windows.
        return path.encode("utf-8")

    def flag_reader_address(self) -> int:
        return ctypes.cast(ctypes.CDLL("ucrtbase").strlen, ctypes.c_void_p).value or 0
