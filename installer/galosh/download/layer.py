"""The thin layer between the engine and a disk: the only place that touches its files.

Everything the engine does to part, journal, plan and lock files goes through a `FileLayer`,
so that tests can make the n-th call fail, or keep a log and build every state a crash may
leave behind. A method does one thing and never retries.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

if sys.platform == "win32":
    from galosh.download import layer_windows as system
else:
    from galosh.download import layer_posix as system

Buffer = bytes | bytearray | memoryview


class File(Protocol):
    """An open file, addressed by offset."""

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end of the file."""

    def write(self, offset: int, data: Buffer) -> None:
        """All of `data` at `offset`."""

    def append(self, data: bytes) -> None:
        """All of `data` at the end (the file was opened for appending)."""

    def size(self) -> int:
        """Length in bytes."""

    def truncate(self, size_bytes: int) -> None:
        """Set the length."""

    def reserve(self, size_bytes: int) -> None:
        """Set the length and, where that is cheap, reserve the space."""

    def sync(self) -> None:
        """Put all written so far on stable storage."""

    def close(self) -> None:
        """Done with it."""


class Lock(Protocol):
    """A held advisory lock."""

    def release(self) -> None:
        """Give it up."""


class FileLayer(Protocol):
    """What the engine asks of a disk. Every method may raise OSError."""

    def open(self, path: Path, *, append: bool = False, create: bool = True) -> File:
        """Open for reading and writing."""

    def read_all(self, path: Path) -> bytes | None:
        """A small file's contents; None if there is no such file."""

    def rename(self, source: Path, target: Path) -> None:
        """Rename, replacing `target`."""

    def remove(self, path: Path) -> None:
        """Delete a file; nothing happens if it is not there."""

    def remove_folder(self, path: Path) -> None:
        """Delete an empty folder; nothing happens if it is not there or not empty."""

    def list(self, folder: Path) -> list[str]:
        """Names in a folder, sorted; empty if there is none."""

    def make_folder(self, folder: Path) -> None:
        """Create a folder and its parents."""

    def sync_folder(self, folder: Path) -> None:
        """Make names in a folder durable, where the system can."""

    def stat(self, path: Path) -> tuple[int, int, float] | None:
        """(length, bytes on disk, mtime seconds) of a file; None if there is none."""

    def touch(self, path: Path) -> None:
        """Set a file's mtime to now."""

    def lock(self, path: Path) -> Lock | None:
        """The advisory lock on `path`, or None if another process has it."""

    def volume(self, path: Path) -> tuple[int | None, int | None, str | None, int]:
        """(free bytes, total bytes, filesystem name, volume id) where `path` is or will be."""


class RealFile:
    """A file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()  # only Windows needs it: seek and write are two calls

    def read(self, offset: int, length: int) -> bytes:
        """See File."""
        pieces: list[bytes] = []
        while length > 0:
            piece = system.read_at(self._descriptor, self._lock, offset, length)
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, offset: int, data: Buffer) -> None:
        """See File."""
        view = memoryview(data)
        while view:
            count = system.write_at(self._descriptor, self._lock, offset, view)
            offset += count
            view = view[count:]

    def append(self, data: bytes) -> None:
        """See File."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def size(self) -> int:
        """See File."""
        return os.fstat(self._descriptor).st_size

    def truncate(self, size_bytes: int) -> None:
        """See File."""
        os.ftruncate(self._descriptor, size_bytes)

    def reserve(self, size_bytes: int) -> None:
        """See File."""
        system.reserve(self._descriptor, size_bytes)

    def sync(self) -> None:
        """See File."""
        system.sync(self._descriptor)

    def close(self) -> None:
        """See File."""
        os.close(self._descriptor)


class RealLayer:
    """The operating system's own files."""

    def open(self, path: Path, *, append: bool = False, create: bool = True) -> File:
        """See FileLayer."""
        flags = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        flags |= (os.O_APPEND if append else 0) | (os.O_CREAT if create else 0)
        return RealFile(os.open(path, flags, 0o644))

    def read_all(self, path: Path) -> bytes | None:
        """See FileLayer."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def rename(self, source: Path, target: Path) -> None:
        """See FileLayer."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """See FileLayer."""
        path.unlink(missing_ok=True)

    def remove_folder(self, path: Path) -> None:
        """See FileLayer."""
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if not any(path.iterdir()):
                raise

    def list(self, folder: Path) -> list[str]:
        """See FileLayer."""
        try:
            return sorted(entry.name for entry in folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def make_folder(self, folder: Path) -> None:
        """See FileLayer."""
        folder.mkdir(parents=True, exist_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """See FileLayer."""
        system.sync_folder(folder)

    def stat(self, path: Path) -> tuple[int, int, float] | None:
        """See FileLayer."""
        try:
            facts = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        blocks: int | None = getattr(facts, "st_blocks", None)
        on_disk = facts.st_size if blocks is None else blocks * 512
        return facts.st_size, on_disk, facts.st_mtime

    def touch(self, path: Path) -> None:
        """See FileLayer."""
        os.utime(path)

    def lock(self, path: Path) -> Lock | None:
        """See FileLayer."""
        return system.lock(path)

    def volume(self, path: Path) -> tuple[int | None, int | None, str | None, int]:
        """See FileLayer."""
        for folder in (path, *path.parents):
            try:
                usage = shutil.disk_usage(folder)
                return usage.free, usage.total, _filesystem(folder), folder.stat().st_dev
            except OSError:  # noqa: PERF203 - the path may not exist yet: look at its parents
                continue
        return None, None, None, 0


def write_whole(layer: FileLayer, path: Path, data: bytes) -> None:
    """Replace a small file durably: temp file, sync, rename, sync of the folder."""
    temp = path.with_name(f"{path.name}.new")
    file = layer.open(temp)
    try:
        file.truncate(0)
        file.write(0, data)
        file.sync()
    finally:
        file.close()
    layer.rename(temp, path)
    layer.sync_folder(path.parent)


def rename_patiently(
    layer: FileLayer, source: Path, target: Path, sleep: Callable[[float], None]
) -> None:
    """Rename; Windows refuses while an antivirus or a loaded model holds the target.

    Tries 5 times over about a second. Raises the last PermissionError.
    """
    for attempt in range(5):
        try:
            layer.rename(source, target)
            return
        except PermissionError:  # noqa: PERF203 - trying again is the point
            if attempt == 4:
                raise
            sleep(0.05 * 2**attempt)


def _filesystem(folder: Path) -> str | None:
    """Name of the filesystem (`ext4`, `vfat`, `nfs4` ...), lower case; None if unknown."""
    try:
        import psutil

        place = str(folder.resolve())
        best: tuple[str, str | None] = ("", None)
        for disk in psutil.disk_partitions(all=True):
            mount = disk.mountpoint
            inside = place == mount or place.startswith(mount.rstrip("/\\") + os.sep)
            if inside and len(mount) >= len(best[0]):
                best = (mount, disk.fstype.lower() or None)
        return best[1]
    except (ImportError, OSError):
        return None
