"""The layer's calls on Windows: no positional I/O, no folder sync, byte-range locks."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def read_at(descriptor: int, lock: threading.Lock, offset: int, length: int) -> bytes:
        """One read at an offset."""
        with lock:
            os.lseek(descriptor, offset, os.SEEK_SET)
            return os.read(descriptor, length)

    def write_at(descriptor: int, lock: threading.Lock, offset: int, view: memoryview) -> int:
        """One write at an offset; how many bytes it took."""
        with lock:
            os.lseek(descriptor, offset, os.SEEK_SET)
            return os.write(descriptor, view)

    def sync(descriptor: int) -> None:
        """Data to stable storage (FlushFileBuffers)."""
        os.fsync(descriptor)

    def sync_folder(_: Path) -> None:
        """Windows has no such call; its journal orders names itself."""

    def reserve(descriptor: int, size_bytes: int) -> None:
        """Setting the length reserves the clusters on NTFS."""
        os.ftruncate(descriptor, size_bytes)

    class WindowsLock:
        """A lock on a byte far beyond the file's contents, so that others may read them."""

        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor

        def release(self) -> None:
            """Give it up."""
            os.close(self._descriptor)

    def lock(path: Path) -> WindowsLock | None:
        """The lock, or None if it is held."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_BINARY, 0o644)
        try:
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(descriptor)
            return None
        return WindowsLock(descriptor)
