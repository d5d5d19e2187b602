"""Disks with one bad habit, over the real one: full, held open by others, lying about locks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from galosh.download.layer import Buffer, File, Lock, RealLayer


class LyingLocks(RealLayer):
    """Grants every lock to everyone, as some network volumes do."""

    def lock(self, path: Path) -> Lock | None:
        """See FileLayer."""
        path.touch()
        return _NoLock()


class _NoLock:
    def release(self) -> None:
        """Nothing was held."""


class StuckRename(RealLayer):
    """The target is held open by another program for `times` tries."""

    def __init__(self, target: Path, times: int) -> None:
        self.target = target
        self.times = times

    def rename(self, source: Path, target: Path) -> None:
        """See FileLayer."""
        if target == self.target and self.times > 0:
            self.times -= 1
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
        super().rename(source, target)


class FailingPart(RealLayer):
    """The payload's file fails with `number` from the `after`-th `call` on.

    call: `open`, `write` or `sync`. failed: how often it was asked all the same.
    """

    def __init__(self, call: str, number: int, after: int = 0) -> None:
        self.call = call
        self.number = number
        self.after = after
        self.failed = 0

    def open(self, path: Path, *, append: bool = False, create: bool = True) -> File:
        """See FileLayer."""
        if path.name != "part":
            return super().open(path, append=append, create=create)
        self.meet("open")
        return _FailingFile(super().open(path, append=append, create=create), self)

    def meet(self, call: str) -> None:
        """Fail if it is this call's turn."""
        if call != self.call:
            return
        self.after -= 1
        if self.after < 0:
            self.failed += 1
            raise OSError(self.number, os.strerror(self.number))


class SmallDisk(RealLayer):
    """A volume on which payload writes fail beyond `room_bytes`."""

    def __init__(self, room_bytes: int) -> None:
        self.room_bytes = room_bytes

    def open(self, path: Path, *, append: bool = False, create: bool = True) -> File:
        """See FileLayer."""
        return _SmallFile(super().open(path, append=append, create=create), self)


class _Wrapped:
    """A file that does as it is told."""

    def __init__(self, file: File) -> None:
        self._file = file

    def read(self, offset: int, length: int) -> bytes:
        """See File."""
        return self._file.read(offset, length)

    def write(self, offset: int, data: Buffer) -> None:
        """See File."""
        self._file.write(offset, data)

    def append(self, data: bytes) -> None:
        """See File."""
        self._file.append(data)

    def size(self) -> int:
        """See File."""
        return self._file.size()

    def truncate(self, size_bytes: int) -> None:
        """See File."""
        self._file.truncate(size_bytes)

    def reserve(self, size_bytes: int) -> None:
        """See File."""
        self._file.truncate(size_bytes)

    def sync(self) -> None:
        """See File."""
        self._file.sync()

    def close(self) -> None:
        """See File."""
        self._file.close()


class _SmallFile(_Wrapped):
    def __init__(self, file: File, disk: SmallDisk) -> None:
        super().__init__(file)
        self._disk = disk

    def write(self, offset: int, data: Buffer) -> None:
        """See File."""
        if offset + len(data) > self._disk.room_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(offset, data)


class _FailingFile(_Wrapped):
    def __init__(self, file: File, disk: FailingPart) -> None:
        super().__init__(file)
        self._disk = disk

    def write(self, offset: int, data: Buffer) -> None:
        """See File."""
        self._disk.meet("write")
        super().write(offset, data)

    def sync(self) -> None:
        """See File."""
        self._disk.meet("sync")
        super().sync()
