"""The journal: fixed 32-byte records from which every state of a download is derived. Pure.

- A record counts only if its magic and CRC are right; reading stops at the first that does
  not, so a torn tail costs little and a zeroed journal costs re-fetching, never a dead download.
- DONE says what a chunk's bytes are (their CRC-32), not that they are on stable storage.
- SYNC names how many records it covers: the DONE among them are on stable storage. Records
  written while the sync ran are not among them.
- A SESSION of a higher generation forgets everything before it: the remote file changed.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

RECORD_BYTES = 32
_MAGIC = b"GaLJ"
_BODY = struct.Struct("<4sBBHIIIII")
_TAIL = struct.Struct("<I")


class Kind(IntEnum):
    """What a record says; the meaning of its numbers is in each constructor below."""

    SESSION = 1
    DONE = 2
    SYNC = 3
    INVALID = 4
    STATE = 5


class Reason(IntEnum):
    """Why chunks were declared invalid: the only thing that lets progress fall."""

    DAMAGED_ON_DISK = 1
    DAMAGED_ON_THE_WAY = 2
    SYNC_FAILED = 3
    REMOTE_CHANGED = 4


class Flag(IntEnum):
    """Marks on a DONE record."""

    NONE = 0
    JOINED = 1  # pieced together from more than one reply: a suspect in repair


@dataclass(frozen=True)
class Record:
    """One journal record; all numbers fit 32 bits."""

    kind: Kind
    index: int = 0
    length: int = 0
    crc: int = 0
    generation: int = 0
    extra: int = 0
    flag: int = 0

    def encode(self) -> bytes:
        """The 32 bytes of it."""
        body = _BODY.pack(
            _MAGIC, self.kind, self.flag, 0,
            self.index, self.length, self.crc, self.generation, self.extra,
        )  # fmt: skip
        return body + _TAIL.pack(zlib.crc32(body))


def done(index: int, length: int, crc: int, generation: int, session: int, flag: int) -> Record:
    """Chunk `index` is complete: `length` bytes with this CRC-32, fetched in `session`."""
    return Record(Kind.DONE, index, length, crc, generation, session, flag)


def sync(covered: int, generation: int) -> Record:
    """The first `covered` records of the journal speak of durable bytes."""
    return Record(Kind.SYNC, index=covered, generation=generation)


def invalid(index: int, generation: int, reason: Reason) -> Record:
    """Chunk `index` does not count any more."""
    return Record(Kind.INVALID, index=index, generation=generation, flag=reason)


def session(source: int, validator: int, host: int, generation: int) -> Record:
    """Bytes that follow come from `source`; hashes of its validator (ETag) and host."""
    return Record(
        Kind.SESSION, index=source, crc=validator, extra=host, generation=generation
    )  # fmt: skip


def state(number: int, cause: int, next_try_seconds: int, generation: int) -> Record:
    """The writer's state now, for a second process that follows it."""
    return Record(
        Kind.STATE, index=number, length=cause, extra=next_try_seconds, generation=generation
    )


def decode(data: bytes) -> Record | None:
    """The record in 32 bytes, or None if they are not one."""
    if len(data) != RECORD_BYTES or data[:4] != _MAGIC:
        return None
    if _TAIL.unpack_from(data, _BODY.size)[0] != zlib.crc32(data[: _BODY.size]):
        return None
    _, kind, flag, _, index, length, crc, generation, extra = _BODY.unpack_from(data)
    try:
        return Record(Kind(kind), index, length, crc, generation, extra, flag)
    except ValueError:
        return None


def decode_all(data: bytes) -> list[Record]:
    """The records up to the first one that is torn or damaged."""
    records: list[Record] = []
    for offset in range(0, len(data), RECORD_BYTES):
        record = decode(data[offset : offset + RECORD_BYTES])
        if record is None:
            break
        records.append(record)
    return records


@dataclass(frozen=True)
class Done:
    """What the journal knows of a complete chunk. `ordinal`: its record's place."""

    length: int
    crc: int
    session: int
    flag: int
    ordinal: int


@dataclass
class Ledger:
    """The sum of a journal: apply records in order, ask what stands."""

    records: int = 0
    covered: int = 0
    generation: int = 0
    invalidated: int = 0
    chunks: dict[int, Done] = field(default_factory=dict)
    sessions: list[Record] = field(default_factory=list)
    last_state: Record | None = None
    last_reason: Reason | None = None
    kept_bytes: int = 0

    def apply(self, record: Record) -> None:
        """Take one more record into account."""
        ordinal = self.records
        self.records += 1
        if record.kind is Kind.STATE:
            self.last_state = record
        elif record.kind is Kind.SESSION:
            if record.generation > self.generation:
                self._start_over(record.generation)
            self.sessions.append(record)
        elif record.generation != self.generation:
            return
        elif record.kind is Kind.DONE:
            self._forget(record.index)
            self.kept_bytes += record.length
            self.chunks[record.index] = Done(
                record.length, record.crc, record.extra, record.flag, ordinal
            )
        elif record.kind is Kind.SYNC:
            self.covered = max(self.covered, min(record.index, ordinal))
        elif record.kind is Kind.INVALID:
            self._forget(record.index)
            self.invalidated += 1
            self.last_reason = _reason(record.flag)

    def apply_all(self, data: bytes) -> int:
        """Apply the good records at the start of `data`; returns the bytes they took."""
        records = decode_all(data)
        for record in records:
            self.apply(record)
        return len(records) * RECORD_BYTES

    def is_durable(self, index: int) -> bool:
        """True if a SYNC vouches for chunk `index`."""
        entry = self.chunks.get(index)
        return entry is not None and entry.ordinal < self.covered

    def unproved(self) -> list[int]:
        """Chunks that no SYNC vouches for: after a crash, prove them by their CRC."""
        return sorted(i for i, entry in self.chunks.items() if entry.ordinal >= self.covered)

    def _forget(self, index: int) -> None:
        entry = self.chunks.pop(index, None)
        if entry is not None:
            self.kept_bytes -= entry.length

    def _start_over(self, generation: int) -> None:
        self.invalidated += len(self.chunks)
        self.last_reason = Reason.REMOTE_CHANGED
        self.chunks.clear()
        self.kept_bytes = 0
        self.generation = generation


def _reason(number: int) -> Reason | None:
    try:
        return Reason(number)
    except ValueError:
        return None
