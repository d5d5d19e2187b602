"""Measures how fast this PC reads memory, in less than a second and without any engine.

Owns the probe: threads that compare two halves of a block far larger than usual caches, in
native code that lets go of Python's lock. Refuses on a busy machine and says so: a number
taken beside other work would be wrong by a factor. Keeps nothing.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from typing import Any

from galosh.fit.speed import Bandwidth

_MIB = 1024 * 1024
_BLOCK_BYTES = 256 * _MIB
_BLOCK_LEAST_BYTES = 32 * _MIB
_SHARE_OF_AVAILABLE = 0.1
_STEP_BYTES = 2 * _MIB
_WINDOWS = 3
_WINDOW_SECONDS = 0.15
_WARM_UP_SECONDS = 0.05
_OWN_SHARE = 0.9
_BUSY_LOAD = 0.5


def measure_bandwidth(
    threads: int, available_bytes: int | None, *, load: float | None = None
) -> Bandwidth:
    """Bytes per second that `threads` threads read together, the best of a few windows.

    load: programs running at once (the system's own figure by default). Takes less than a
    second; never raises.
    """
    load = _load() if load is None else load
    if load is not None and load > _BUSY_LOAD * (os.cpu_count() or 1):
        return Bandwidth(None, threads, "busy")
    room = _BLOCK_BYTES if available_bytes is None else int(available_bytes * _SHARE_OF_AVAILABLE)
    size = min(_BLOCK_BYTES, room) // max(1, threads)
    if size * threads < _BLOCK_LEAST_BYTES:
        return Bandwidth(None, threads, "memory")
    try:
        return _run(max(1, threads), size)
    except (OSError, MemoryError, RuntimeError, AttributeError):
        return Bandwidth(None, threads, "failed")


def _load() -> float | None:
    if sys.platform == "win32":
        return None  # it keeps none; the own share of the processor tells afterwards
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


class _Reader:
    """One thread that reads its block over and over; `done_bytes` grows meanwhile."""

    def __init__(self, compare: Any, size_bytes: int, stop: threading.Event) -> None:
        # Written once, so that the pages exist: untouched ones are all the same empty page.
        self._block = bytearray(b"\x01") * size_bytes
        self._half = size_bytes // 2
        self._compare = compare
        self._stop = stop
        self.done_bytes = 0
        self.thread = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        kind = ctypes.c_char * len(self._block)
        view = kind.from_buffer(self._block)
        start = ctypes.addressof(view)
        step = min(_STEP_BYTES, self._half)
        while not self._stop.is_set():
            for at in range(0, self._half - step + 1, step):
                self._compare(start + at, start + self._half + at, step)
                self.done_bytes += 2 * step
                if self._stop.is_set():
                    return


def _run(threads: int, size_bytes: int) -> Bandwidth:
    stop = threading.Event()
    compare = _native_compare()
    readers = [_Reader(compare, size_bytes, stop) for _ in range(threads)]
    best = 0.0
    try:
        for reader in readers:
            reader.thread.start()
        time.sleep(_WARM_UP_SECONDS)
        begun, spent = time.perf_counter(), time.process_time()
        for _ in range(_WINDOWS):
            best = max(best, _window(readers))
        wall = time.perf_counter() - begun
        share = (time.process_time() - spent) / (wall * threads)
    finally:
        stop.set()
        for reader in readers:
            if reader.thread.ident is not None:
                reader.thread.join()
    if share < _OWN_SHARE:
        return Bandwidth(None, threads, "busy")
    return Bandwidth(best, threads)


def _window(readers: list[_Reader]) -> float:
    begun, done = time.perf_counter(), sum(reader.done_bytes for reader in readers)
    time.sleep(_WINDOW_SECONDS)
    total = sum(reader.done_bytes for reader in readers) - done
    return total / (time.perf_counter() - begun)


def _native_compare() -> Any:
    """C's own `memcmp`: reads two stretches and, where they are equal, all of both."""
    library = ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
    compare = library.memcmp
    compare.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    compare.restype = ctypes.c_int
    return compare
