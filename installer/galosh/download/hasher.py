"""The trailing hash: SHA-256 over finished chunks in order, read back from the page cache
while the network works.

- A chunk from an earlier run is compared with the CRC in the journal as it passes: what
  rotted on disk is found here and fetched again.
- A chunk that is voided after it was hashed takes the hash back to a checkpoint before it.
- Reads are of the part, not of the network's buffer: the hash judges what is on disk.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import zlib
from typing import TYPE_CHECKING, Any

from galosh.download.job import Job
from galosh.download.journal import Reason
from galosh.download.keeper import disk_broken

if TYPE_CHECKING:
    from galosh.download.schedule import Schedule

_CHECKPOINT_CHUNKS = 64
_LATEST_SECONDS = 0.25  # chunks that did not ring the bell are seen by then


class Hasher(threading.Thread):
    """See the module. `digest` is set once every chunk has passed."""

    def __init__(self, job: Job) -> None:
        super().__init__(name="galosh-hash", daemon=True)
        self.job = job
        self.digest: str | None = None
        self.at = 0
        self._hash: Any = hashlib.sha256()
        self._checkpoints: list[tuple[int, Any]] = [(0, self._hash.copy())]

    @property
    def hashed_bytes(self) -> int:
        """How far the hash has come."""
        schedule = self.job.schedule
        if schedule is None:
            return 0
        return min(self.at * schedule.chunk_bytes, schedule.size_bytes)

    def run(self) -> None:
        """Thread body."""
        _be_nice()
        try:
            while self._step():
                pass
        except OSError as error:
            self.job.fail(disk_broken(error, self.job.keeper.stored))
        except BaseException as error:
            self.job.fail(error)

    def _step(self) -> bool:
        job = self.job
        with job.cond:
            while not self._has_work():
                if job.stopping or job.failure is not None:
                    return False
                job.hash_bell.wait(_LATEST_SECONDS)
            if job.stopping or job.failure is not None:
                return False
            schedule = job.schedule
            assert schedule is not None
            if job.rehash_from is not None:
                self._rewind(job.rehash_from)
                job.rehash_from = None
            if self.at == schedule.count:
                self.digest = self._hash.hexdigest()
                job.cond.notify_all()
                return True
            if not schedule.is_done(self.at):
                return True
        self._hash_next(schedule)
        return True

    def _has_work(self) -> bool:
        job, schedule = self.job, self.job.schedule
        if schedule is None:
            return False
        if job.rehash_from is not None:
            return True
        if self.at < schedule.count:
            return schedule.is_done(self.at)
        return self.digest is None

    def _hash_next(self, schedule: Schedule) -> None:
        keeper, chunk = self.job.keeper, self.at
        entry = keeper.ledger.chunks.get(chunk)
        data = keeper.read_chunk(chunk, schedule.span(chunk)[1])
        if entry is None:
            return  # voided this moment: the next step rewinds
        old = entry.ordinal < keeper.run_start
        if len(data) != entry.length or (old and zlib.crc32(data) != entry.crc):
            self.job.invalidate([chunk], Reason.DAMAGED_ON_DISK)
            return
        self._hash.update(data)
        self.at = chunk + 1
        if self.at % _CHECKPOINT_CHUNKS == 0:
            self._checkpoints.append((self.at, self._hash.copy()))

    def _rewind(self, chunk: int) -> None:
        self.digest = None
        if chunk >= self.at:
            return
        while self._checkpoints[-1][0] > chunk:
            self._checkpoints.pop()
        self.at, saved = self._checkpoints[-1]
        self._hash = saved.copy()


class Flusher(threading.Thread):
    """Makes chunks durable every 64 MiB or 5 s, whichever is first."""

    def __init__(self, job: Job) -> None:
        super().__init__(name="galosh-flush", daemon=True)
        self.job = job

    def run(self) -> None:
        """Thread body."""
        job, limits = self.job, self.job.limits
        try:
            while True:
                with job.cond:
                    job.cond.wait_for(self._due, limits.flush_seconds)
                    if job.stopping or job.failure is not None:
                        return
                if job.keeper.unflushed_bytes:
                    self._flush()
        except BaseException as error:
            job.fail(error)

    def _due(self) -> bool:
        job = self.job
        full = job.keeper.unflushed_bytes >= job.limits.flush_bytes
        return full or job.stopping or job.failure is not None

    def _flush(self) -> None:
        job = self.job
        try:
            job.keeper.flush()
        except OSError:
            # The disk is full: what is written stays written and is proved by its CRC later.
            # The pullers meet the same answer and say what is awaited.
            with job.cond:
                job.cond.wait_for(lambda: job.stopping, job.limits.disk_check_seconds)


def _be_nice() -> None:
    """Hash at low priority: the user's own work comes first. Only Linux has it per thread."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        except OSError:
            return
