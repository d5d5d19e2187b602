"""Keeps the bytes: part file, journal and lock of one download, and their order on disk.

- A chunk is written to the part, then DONE is appended; both survive a kill at once.
- `flush` syncs the part, then appends SYNC (covering only what was recorded before the sync
  began), then syncs the journal: a SYNC on disk is never ahead of its data.
- An INVALID of a vouched chunk, or a new generation, is synced before its bytes change.
- A failed sync is never repeated: what no SYNC vouches for is declared lost.
- Every record is preceded by a look at the fencing token.
"""

from __future__ import annotations

import contextlib
import errno
import threading
import zlib

from galosh.base.errors import GaloshError
from galosh.download import journal as records
from galosh.download.fence import Held
from galosh.download.folder import Folder, Stored
from galosh.download.journal import RECORD_BYTES, Flag, Ledger, Reason, Record
from galosh.download.layer import Buffer, File, FileLayer
from galosh.download.state import CAUSES, State, Wait


class FencedOutError(Exception):
    """Another writer has taken over: stop, write nothing more."""


class Keeper:
    """The writer's side of a download's files. Thread-safe."""

    def __init__(self, layer: FileLayer, folder: Folder, stored: Stored, held: Held) -> None:
        self.layer = layer
        self.folder = folder
        self.stored = stored
        self.held = held
        self.ledger = Ledger()
        self.size_bytes = stored.plan.size_bytes
        self.run_start = 0  # records of earlier runs come before this one
        self.unflushed_bytes = 0
        self.closed = False
        self.broken = False  # a sync failed: none is tried again
        self._part: File | None = None
        self._journal: File | None = None
        self._journal_bytes = 0
        self._lock = threading.Lock()
        self._flush_lock = threading.Lock()

    def open(self) -> None:
        """Open or create the files and bring them into agreement. Raises OSError.

        Afterwards every chunk in the ledger is on stable storage.
        """
        fresh_part = self.layer.stat(self.stored.part) is None
        self._part = self.layer.open(self.stored.part)
        self._journal = self.layer.open(self.folder.journal, append=True)
        data = self._journal.read(0, self._journal.size())
        self._journal_bytes = self.ledger.apply_all(data)
        if fresh_part and self.ledger.chunks:
            # The part was taken away: nothing the journal says is true any more.
            self._journal_bytes, self.ledger = 0, Ledger()
        if self._journal_bytes != len(data):
            self._journal.truncate(self._journal_bytes)
            self._journal.sync()
        self._prove_unproved()
        self.layer.sync_folder(self.folder.path)
        if self.stored.part.parent != self.folder.path:
            self.layer.sync_folder(self.stored.part.parent)
        self.run_start = self.ledger.records

    def close(self) -> None:
        """Close the files; the lock stays with its holder."""
        with self._flush_lock, self._lock:
            self.closed = True
            for file in (self._part, self._journal):
                if file is not None:
                    file.close()
            self._part = self._journal = None

    @property
    def part(self) -> File:
        """The open part file."""
        if self._part is None:
            raise FencedOutError
        return self._part

    def reserve(self, size_bytes: int) -> None:
        """Give the part its final length. Raises OSError (disk full, file too large)."""
        self.size_bytes = size_bytes
        if self.part.size() != size_bytes:
            self.part.truncate(min(self.part.size(), size_bytes))
            self.part.reserve(size_bytes)

    def read_chunk(self, chunk: int, length: int) -> bytes:
        """The chunk's bytes as they are on disk (or in the page cache) now."""
        return self.part.read(chunk * self.stored.chunk_bytes, length)

    def store(self, chunk: int, data: Buffer, crc: int, session: int, flag: Flag) -> None:
        """Write a complete chunk and record it. Raises OSError, FencedOutError."""
        self.part.write(chunk * self.stored.chunk_bytes, data)
        length = len(data)
        with self._lock:
            generation = self.ledger.generation
            self._append(records.done(chunk, length, crc, generation, session, flag))
            self.unflushed_bytes += length

    def session(self, source: int, validator: int, host: int) -> int:
        """The number of this run's session with these marks, recorded once."""
        with self._lock:
            generation = self.ledger.generation
            wanted = records.session(source, validator, host, generation)
            for number, known in enumerate(self.ledger.sessions):
                if known == wanted:
                    return number
            self._append(wanted)
            return len(self.ledger.sessions) - 1

    def new_generation(self, source: int, validator: int, host: int) -> None:
        """The remote file is another one now: all chunks so far are void. Durable."""
        with self._lock:
            generation = self.ledger.generation + 1
            self._append(records.session(source, validator, host, generation))
            self._sync_journal()

    def invalidate(self, chunks: list[int], reason: Reason) -> None:
        """Declare chunks void, durably, before anything overwrites them."""
        with self._lock:
            for chunk in chunks:
                self._append(records.invalid(chunk, self.ledger.generation, reason))
            if chunks:
                self._sync_journal()

    def note_state(self, state: State, wait: Wait | None) -> None:
        """Tell followers what the writer does."""
        cause = CAUSES.index(wait.cause) if wait is not None and wait.cause in CAUSES else 0
        seconds = 0 if wait is None else max(0, min(int(wait.next_try_seconds), 1 << 31))
        with self._lock:
            record = records.state(state.number, cause, seconds, self.ledger.generation)
            if not self.closed and record != self.ledger.last_state:
                self._append(record)

    def flush(self) -> None:
        """Make everything recorded so far durable.

        Raises FencedOutError, or GaloshError `download-disk-broken` after declaring void
        what the failed sync may have lost; OSError for a full disk (nothing is lost then).
        """
        with self._flush_lock:
            if self.closed or self.broken:
                return
            with self._lock:
                covered = self.ledger.records
                bytes_now = self.unflushed_bytes
            if covered <= self.ledger.covered or not bytes_now:
                return
            if not self.held.is_there():
                raise FencedOutError
            try:
                self.part.sync()
            except OSError as error:
                self._sync_failed(error)
            with self._lock:
                if self.closed:
                    return
                self._append(records.sync(covered, self.ledger.generation))
                self.unflushed_bytes -= bytes_now
                self._sync_journal()

    def _sync_failed(self, error: OSError) -> None:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise error
        # The kernel may have dropped the pages and called them clean: a second sync that
        # succeeds would prove nothing. Everything no SYNC vouches for counts as lost.
        self.broken = True
        lost = self.ledger.unproved()
        with contextlib.suppress(OSError):
            # If even this fails, the next start proves those chunks by their CRC.
            self.invalidate(lost, Reason.SYNC_FAILED)
        raise disk_broken(error, self.stored) from error

    def _sync_journal(self) -> None:
        assert self._journal is not None
        try:
            self._journal.sync()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise disk_broken(error, self.stored) from error

    def _append(self, record: Record) -> None:
        if self._journal is None or not self.held.is_ours():
            raise FencedOutError
        try:
            self._journal.append(record.encode())
        except OSError:
            self._cut_tail()
            raise
        self._journal_bytes += RECORD_BYTES
        self.ledger.apply(record)

    def _cut_tail(self) -> None:
        """A half-written record would hide all that follow."""
        assert self._journal is not None
        try:
            self._journal.truncate(self._journal_bytes)
        except OSError:
            self.closed = True  # reading will stop there; so must writing

    def _prove_unproved(self) -> None:
        """After a crash: keep what the CRC proves, void the rest, make the rest durable."""
        lost: list[int] = []
        unproved = self.ledger.unproved()
        length = self.part.size()
        for chunk, entry in self.ledger.chunks.items():
            start = chunk * self.stored.chunk_bytes
            beyond = start + entry.length > length
            misfit = self.size_bytes is not None and start + entry.length > self.size_bytes
            if beyond or misfit or entry.length > self.stored.chunk_bytes:
                lost.append(chunk)
        for chunk in unproved:
            entry = self.ledger.chunks[chunk]
            if chunk in lost:
                continue
            if zlib.crc32(self.read_chunk(chunk, entry.length)) != entry.crc:
                lost.append(chunk)
        self.invalidate(lost, Reason.DAMAGED_ON_DISK)
        if unproved:
            self.unflushed_bytes = 1
            self.flush()
            self.unflushed_bytes = 0


def disk_broken(error: OSError, stored: Stored) -> GaloshError:
    """The disk does not keep what it is given."""
    readonly = error.errno == errno.EROFS
    return GaloshError(
        "download-disk-readonly" if readonly else "download-disk-broken",
        file_name=stored.plan.file_name,
        folder=str(stored.part.parent),
        reason=error.strerror or str(error),
    )
