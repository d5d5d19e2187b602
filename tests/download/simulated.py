"""A disk in memory that forgets like a real one.

The disk keeps apart what was written and what is on stable storage: `crash_states` builds
the states a power cut may leave (unsynced writes lost, reordered, torn; length before data;
names lost or swapped in their folder). It can fail or "lose power" at the n-th call.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from galosh.download.layer import Buffer, File

SECTOR_BYTES = 512  # what a disk writes whole; the engine's chunks are many of these


class PowerCutError(BaseException):
    """The PC is off: no call does anything any more."""


@dataclasses.dataclass
class Write:
    """One unsynced change of a file: bytes at an offset, or (data None) a new length."""

    offset: int
    data: bytes | None


class Inode:
    """A file: what programs see, what is on stable storage, what lies between."""

    def __init__(self, durable: bytes = b"") -> None:
        self.now = bytearray(durable)
        self.durable = bytes(durable)
        self.pending: list[Write] = []


Names = dict[Path, Inode]


@dataclasses.dataclass
class NameChange:
    """One unsynced change of names: all of it happens or none."""

    folder: Path
    gone: tuple[Path, ...]
    came: Mapping[Path, Inode]


class SimulatedDisk:
    """A FileLayer in memory. Thread-safe."""

    def __init__(self, *, free_bytes: int = 1 << 40, filesystem: str = "ext4") -> None:
        self.names: Names = {}
        self.durable_names: Names = {}
        self.pending_names: list[NameChange] = []
        self.folders: set[Path] = set()
        self.locked: set[Path] = set()
        self.free = free_bytes
        self.filesystem = filesystem
        self.calls = 0
        self.log: list[str] = []
        self.cut_at: int | None = None
        self.fail_at: dict[int, OSError] = {}
        self.fail_named: dict[str, OSError] = {}
        self.locks_lie = False
        self.off = False
        self._lock = threading.RLock()

    def count(self, name: str) -> None:
        """Every call passes here: it may be the one that fails."""
        with self._lock:
            self.calls += 1
            self.log.append(name)
            if self.off or (self.cut_at is not None and self.calls >= self.cut_at):
                self.off = True
                raise PowerCutError
            error = self.fail_at.get(self.calls) or self.fail_named.get(name)
        if error is not None:
            raise error

    def open(self, path: Path, *, append: bool = False, create: bool = True) -> File:
        """See FileLayer."""
        self.count("open")
        with self._lock:
            if path not in self.names:
                if not create or path.parent not in self.folders:
                    raise FileNotFoundError(2, "no such file", str(path))
                self._change(NameChange(path.parent, (), {path: Inode()}))
            return SimulatedFile(self, self.names[path])

    def read_all(self, path: Path) -> bytes | None:
        """See FileLayer."""
        self.count("read_all")
        inode = self.names.get(path)
        return None if inode is None else bytes(inode.now)

    def rename(self, source: Path, target: Path) -> None:
        """See FileLayer."""
        self.count("rename")
        with self._lock:
            if source not in self.names:
                raise FileNotFoundError(2, "no such file", str(source))
            self._change(NameChange(target.parent, (source,), {target: self.names[source]}))

    def remove(self, path: Path) -> None:
        """See FileLayer."""
        self.count("remove")
        with self._lock:
            if path in self.names:
                self._change(NameChange(path.parent, (path,), {}))

    def remove_folder(self, path: Path) -> None:
        """See FileLayer."""
        self.count("remove_folder")
        if not self.list(path):
            self.folders.discard(path)

    def list(self, folder: Path) -> list[str]:
        """See FileLayer."""
        with self._lock:
            inside = {path.name for path in self.names if path.parent == folder}
            inside |= {path.name for path in self.folders if path.parent == folder}
        return sorted(inside)

    def make_folder(self, folder: Path) -> None:
        """See FileLayer."""
        self.count("make_folder")
        with self._lock:
            self.folders |= {folder, *folder.parents}

    def sync_folder(self, folder: Path) -> None:
        """See FileLayer."""
        self.count("sync_folder")
        with self._lock:
            mine = [one for one in self.pending_names if one.folder == folder]
            for one in mine:
                self.pending_names.remove(one)
                apply_names(self.durable_names, one)

    def stat(self, path: Path) -> tuple[int, int, float] | None:
        """See FileLayer."""
        self.count("stat")
        inode = self.names.get(path)
        return None if inode is None else (len(inode.now), len(inode.now), 1000.0)

    def touch(self, path: Path) -> None:
        """See FileLayer."""
        self.count("touch")

    def lock(self, path: Path) -> SimulatedLock | None:
        """See FileLayer."""
        self.count("lock")
        with self._lock:
            if path in self.locked and not self.locks_lie:
                return None
            self.locked.add(path)
            if path not in self.names:
                self._change(NameChange(path.parent, (), {path: Inode()}))
            return SimulatedLock(self, path)

    def volume(self, path: Path) -> tuple[int | None, int | None, str | None, int]:
        """See FileLayer."""
        self.count("volume")
        return self.free, 1 << 41, self.filesystem, 1

    def _change(self, change: NameChange) -> None:
        apply_names(self.names, change)
        self.pending_names.append(change)


class SimulatedLock:
    """Held until released; gone with the power."""

    def __init__(self, disk: SimulatedDisk, path: Path) -> None:
        self._disk = disk
        self._path = path

    def release(self) -> None:
        """See Lock."""
        self._disk.locked.discard(self._path)


class SimulatedFile:
    """An open file of a simulated disk."""

    def __init__(self, disk: SimulatedDisk, inode: Inode) -> None:
        self._disk = disk
        self._inode = inode

    def read(self, offset: int, length: int) -> bytes:
        """See File."""
        self._disk.count("read")
        return bytes(self._inode.now[offset : offset + length])

    def write(self, offset: int, data: Buffer) -> None:
        """See File."""
        self._disk.count("write")
        self._put(Write(offset, bytes(data)))

    def append(self, data: bytes) -> None:
        """See File."""
        self._disk.count("append")
        self._put(Write(len(self._inode.now), bytes(data)))

    def size(self) -> int:
        """See File."""
        return len(self._inode.now)

    def truncate(self, size_bytes: int) -> None:
        """See File."""
        self._disk.count("truncate")
        self._put(Write(size_bytes, None))

    def reserve(self, size_bytes: int) -> None:
        """See File."""
        self._disk.count("reserve")
        if size_bytes > self._disk.free:
            raise OSError(28, "No space left on device")
        self._put(Write(size_bytes, None))

    def sync(self) -> None:
        """See File."""
        self._disk.count("sync")
        with self._disk._lock:
            self._inode.durable = bytes(self._inode.now)
            self._inode.pending.clear()

    def close(self) -> None:
        """See File."""

    def _put(self, write: Write) -> None:
        with self._disk._lock:
            apply_write(self._inode.now, write)
            self._inode.pending.append(write)


def apply_write(content: bytearray, write: Write) -> None:
    """Carry one change out."""
    if write.data is None:
        del content[write.offset :]
        content.extend(bytes(write.offset - len(content)))
        return
    end = write.offset + len(write.data)
    content.extend(bytes(max(0, end - len(content))))
    content[write.offset : end] = write.data


def apply_names(names: Names, change: NameChange) -> None:
    """Carry one change of names out."""
    for path in change.gone:
        names.pop(path, None)
    names.update(change.came)


def crash_states(disk: SimulatedDisk, chance: random.Random, most: int) -> Iterator[SimulatedDisk]:
    """The disks a power cut now may leave, at most `most`, small cases exhaustively."""
    inodes = list({id(i): i for i in [*disk.names.values(), *disk.durable_names.values()]}.values())
    versions = [list(_versions(inode, chance)) for inode in inodes]
    names = list(_name_versions(disk))
    total = len(names)
    for version in versions:
        total *= len(version)
    combos: Iterator[tuple[Any, ...]] = itertools.product(names, *versions)
    if total > most:
        pools: list[list[Any]] = [names, *versions]
        # Both extremes always, the rest by chance.
        ends = [tuple(p[0] for p in pools), tuple(p[-1] for p in pools)]
        drawn = [tuple(chance.choice(p) for p in pools) for _ in range(most - 2)]
        combos = iter([*ends, *drawn])
    for shown, *contents in combos:
        fresh = {id(i): Inode(c) for i, c in zip(inodes, contents, strict=True)}
        after = SimulatedDisk(free_bytes=disk.free)
        after.names = {path: fresh[id(inode)] for path, inode in shown.items()}
        after.durable_names = dict(after.names)
        after.folders = set(disk.folders)
        bury_owner(after)
        yield after


def bury_owner(disk: SimulatedDisk) -> None:
    """The process that the lock names died with the power (here it is this test's own)."""
    for inode in disk.names.values():
        dead = bytes(inode.now).replace(f'"pid": {os.getpid()}'.encode(), b'"pid": 4194305')
        inode.now, inode.durable = bytearray(dead), dead


def _versions(inode: Inode, chance: random.Random) -> Iterator[bytes]:
    """What may be left of one file: nothing unsynced, all, any part, any order, torn."""
    pending = inode.pending
    seen: set[bytes] = set()
    for chosen in _choices(pending, chance):
        content = bytearray(inode.durable)
        for write in chosen:
            apply_write(content, write)
        result = bytes(content)
        if result not in seen:
            seen.add(result)
            yield result


def _choices(pending: list[Write], chance: random.Random) -> Iterator[list[Write]]:
    yield []
    yield pending
    if len(pending) <= 4:
        for size in range(1, len(pending)):
            yield from map(list, itertools.combinations(pending, size))
    else:
        for _ in range(12):
            yield [one for one in pending if chance.random() < 0.5]
        for at in range(len(pending)):
            yield pending[:at]
            yield [*pending[:at], *pending[at + 1 :]]
    for at, write in enumerate(pending):
        for torn in _torn(write, chance):
            yield [*pending[:at], torn]
            yield [*pending[:at], torn, *pending[at + 1 :]]


def _torn(write: Write, chance: random.Random) -> Iterator[Write]:
    """Parts of a write; and its length without its data."""
    if write.data is None or len(write.data) < 2:
        return
    size = len(write.data)
    step = SECTOR_BYTES if size > SECTOR_BYTES else max(1, size // 2)
    cut = chance.randrange(step, size, step) if size > step else size // 2
    yield Write(write.offset, write.data[:cut])
    yield Write(write.offset + cut, write.data[cut:])
    yield Write(write.offset, bytes(size))


def _name_versions(disk: SimulatedDisk) -> Iterator[Names]:
    """Names as on stable storage, plus any part of the pending changes."""
    pending = disk.pending_names[-6:]
    settled = dict(disk.durable_names)
    for change in disk.pending_names[:-6]:
        apply_names(settled, change)
    for size in range(len(pending) + 1):
        for chosen in itertools.combinations(pending, size):
            names = dict(settled)
            for change in chosen:
                apply_names(names, change)
            yield names
