"""The layer's calls on Linux and macOS."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

from galosh.base import durable

if sys.platform != "win32":
    import fcntl

    def read_at(descriptor: int, _: threading.Lock, offset: int, length: int) -> bytes:
        """One positional read."""
        return os.pread(descriptor, length, offset)

    def write_at(descriptor: int, _: threading.Lock, offset: int, view: memoryview) -> int:
        """One positional write; how many bytes it took."""
        return os.pwrite(descriptor, view, offset)

    def sync(descriptor: int) -> None:
        """Data, and the length with it, to stable storage."""
        if sys.platform == "linux":
            os.fdatasync(descriptor)
        else:
            durable.sync_file(descriptor)

    def sync_folder(folder: Path) -> None:
        """Names in a folder to stable storage."""
        durable.sync_folder(folder)

    def reserve(descriptor: int, size_bytes: int) -> None:
        """Reserve blocks where the filesystem does it without writing zeros."""
        if sys.platform == "linux":
            if _fallocates(descriptor):
                try:
                    os.posix_fallocate(descriptor, 0, size_bytes)
                except OSError as error:
                    if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                        raise
        elif sys.platform == "darwin":
            _reserve_darwin(descriptor, size_bytes)
        os.ftruncate(descriptor, size_bytes)

    class PosixLock:
        """flock on a descriptor of its own."""

        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor

        def release(self) -> None:
            """Give it up."""
            os.close(self._descriptor)

    def lock(path: Path) -> PosixLock | None:
        """The lock, or None if it is held."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN):
                return None
            if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
                # No locks on this volume: the fencing token is what is left.
                return PosixLock(os.open(path, flags, 0o644))
            raise
        return PosixLock(descriptor)

    def _fallocates(descriptor: int) -> bool:
        """True if the filesystem reserves at once; glibc would imitate it by writing."""
        if sys.platform != "linux":
            return False
        try:
            # A magic number of statfs, read without a library: ask for one spare block and
            # see whether the kernel itself takes it (glibc's imitation changes st_blocks
            # only by writing, which a zero-length tail cannot show).
            import ctypes

            libc = ctypes.CDLL(None, use_errno=True)
            keep_size = 0x01
            result: int = libc.fallocate(
                ctypes.c_int(descriptor), ctypes.c_int(keep_size), ctypes.c_int64(0),
                ctypes.c_int64(1),
            )  # fmt: skip
        except (OSError, AttributeError):
            return False
        return result == 0

    def _reserve_darwin(descriptor: int, size_bytes: int) -> None:
        """F_PREALLOCATE: contiguous if possible, else in pieces; refusal is not an error
        unless the disk is full."""
        import struct

        f_preallocate = getattr(fcntl, "F_PREALLOCATE", 42)
        more = size_bytes - os.fstat(descriptor).st_blocks * 512
        if more <= 0:
            return
        for flags in (2 | 4, 4):  # F_ALLOCATECONTIG | F_ALLOCATEALL, then F_ALLOCATEALL
            request = struct.pack("IIqqq", flags, 3, 0, more, 0)  # F_PEOFPOSMODE
            try:
                fcntl.fcntl(descriptor, f_preallocate, request)
                return
            except OSError as error:
                last = error
        if last.errno == errno.ENOSPC:
            raise last
