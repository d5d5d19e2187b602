"""One writer per download: an advisory lock, and a fencing token where locks lie.

The lock file holds the owner: a random token, its process and its host. A new writer takes
over only if the lock is free *and* the owner named there is gone; a writer whose token was
replaced stops before its next journal record.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from galosh.base.clock import Clock
from galosh.download.layer import File, FileLayer, Lock

_FRESH_SECONDS = 20.0  # another host's owner touches its lock every few seconds


@dataclass
class Held:
    """The lock in our hands. record: what we wrote into the file."""

    layer: FileLayer
    path: Path
    record: bytes
    lock: Lock
    file: File

    def is_ours(self) -> bool:
        """False once somebody else has put a mark of its own into the file.

        Cheap enough to ask before every journal record: one read of an open file.
        """
        return self.file.read(0, len(self.record) + 1) == self.record

    def is_there(self) -> bool:
        """False once the file was deleted or replaced under us. Never raises."""
        try:
            return self.layer.read_all(self.path) == self.record
        except OSError:
            return True  # the disk's trouble, not another writer's doing

    def touch(self) -> None:
        """Say that the owner lives (for hosts that cannot see our process)."""
        try:
            self.layer.touch(self.path)
        except OSError:
            return

    def release(self, *, remove: bool = False) -> None:
        """Give it up; `remove` deletes the file too."""
        try:
            if not remove and self.is_ours():
                self.file.truncate(0)
        except OSError:
            pass  # the owner's process will be gone: that frees it as well
        finally:
            self.file.close()
            self.lock.release()
        if remove:
            # After closing: Windows deletes no open file. Whoever took the lock in between
            # sees its file gone at its first flush and begins again.
            with contextlib.suppress(OSError):
                self.layer.remove(self.path)


def take(layer: FileLayer, path: Path, clock: Clock) -> Held | None:
    """The lock on `path`, or None while another living writer has it. Raises OSError."""
    lock = layer.lock(path)
    if lock is None:
        return None
    try:
        if _lives(layer, path, clock):
            lock.release()
            return None
        owner = {
            "token": secrets.token_hex(16), "pid": os.getpid(), "started": _started(os.getpid()),
            "host": socket.gethostname(),
        }  # fmt: skip
        record = json.dumps(owner).encode()
        file = layer.open(path)
        file.truncate(0)
        file.write(0, record)
    except BaseException:
        lock.release()
        raise
    return Held(layer, path, record, lock, file)


def is_held(layer: FileLayer, path: Path, clock: Clock) -> bool:
    """True while a living writer has it. Does not take it over. Raises OSError."""
    if layer.stat(path) is None:
        return False
    lock = layer.lock(path)
    if lock is None:
        return True
    try:
        return _lives(layer, path, clock)
    finally:
        lock.release()


def _lives(layer: FileLayer, path: Path, clock: Clock) -> bool:
    owner = _owner(layer.read_all(path))
    pid, host = owner.get("pid"), owner.get("host")
    if not isinstance(pid, int):
        return False
    if host == socket.gethostname():
        started = _started(pid)
        return started is not None and started == owner.get("started")
    facts = layer.stat(path)
    return facts is not None and abs(clock.wall_seconds() - facts[2]) < _FRESH_SECONDS


def _started(pid: int) -> float | None:
    """When the process began; None if there is none. Tells a re-used number apart."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round(process.create_time(), 2)
    except psutil.Error:
        return None


def _owner(data: bytes | None) -> dict[str, object]:
    try:
        value = json.loads(data or b"")
        return value if isinstance(value, dict) else {}
    except ValueError:
        return {}
