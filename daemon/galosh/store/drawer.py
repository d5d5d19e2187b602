"""A folder of documents that lose nothing: a snapshot of each, and a journal of its changes.

- A change is acknowledged when its line is on the drive (appended, one fsync).
- The snapshot is written by the durable writer, and only then does the journal begin anew;
  lines that the snapshot holds already are known by their version and passed over, so it does
  not matter where a crash falls.
- A line that could not be written whole is taken back, now or before the next one.
- A discarded document lies in the bin for thirty days. Folder and files are the user's alone.

Blocking. Its caller lets in one thread at a time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galosh.base import durable
from galosh.base.clock import Clock
from galosh.base.errors import GaloshError
from galosh.store import ledger
from galosh.store.ledger import Record

BIN_SECONDS = 30 * 86_400.0
_ID = re.compile(r"[a-f0-9]{12}")
_SNAPSHOT, _JOURNAL, _DAMAGED = ".json", ".journal", ".damaged"
_BINARY = getattr(os, "O_BINARY", 0)

Snapshot = Mapping[str, Any]

_log = logging.getLogger("galosh.store")


@dataclass(frozen=True)
class Written:
    """A document as it is on disk: the snapshot, and the changes after it."""

    snapshot: Snapshot
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Codes:
    """What the errors of these documents are called."""

    unknown: str
    damaged: str


class Drawer:
    """See the module."""

    def __init__(self, folder: Path, codes: Codes, clock: Clock) -> None:
        self._folder = folder
        self._bin = folder / "bin"
        self._codes = codes
        self._clock = clock
        self._good_bytes: dict[str, int] = {}  # of journals that were read or written

    def ids(self) -> list[str]:
        """Every document."""
        return _ids_in(self._folder)

    def stamp(self, document_id: str) -> tuple[object, object]:
        """Changes with every change of the files; costs no reading."""
        return _stamp(self._snapshot(document_id)), _stamp(self._journal(document_id))

    def read(self, document_id: str) -> Written:
        """Raises GaloshError `…-unknown` or `…-damaged`."""
        snapshot = self._load(self._snapshot(document_id), document_id)
        done = int(snapshot["version"])
        records = []
        for record in self._read_journal(document_id):
            if record.get("version") == done + 1:
                records.append(record)
                done += 1
        return Written(snapshot, tuple(records))

    def create(self, snapshot: Snapshot) -> str:
        """A new document; returns its id. Raises a write error."""
        document_id = secrets.token_hex(6)
        self.compact(document_id, snapshot)
        return document_id

    def append(self, document_id: str, record: Record) -> int:
        """Write one change down: on the drive when this returns, with the journal's length.

        Raises a write error; the document is as it was then.
        """
        path, line = self._journal(document_id), ledger.encode(record)
        if document_id not in self._good_bytes:
            self._read_journal(document_id)
        good_bytes = self._good_bytes.pop(document_id)
        try:
            is_new = not path.exists()
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o600)
            try:
                _write_behind(descriptor, good_bytes, line)
            finally:
                os.close(descriptor)
            if is_new:
                durable.sync_folder(self._folder)
        except OSError as error:
            raise durable.explain_os_error(error, path) from error
        self._good_bytes[document_id] = good_bytes + len(line)
        return good_bytes + len(line)

    def compact(self, document_id: str, snapshot: Snapshot) -> None:
        """Write the document whole; its journal begins anew. Raises a write error."""
        durable.private_folder(self._folder)
        durable.write_json(self._snapshot(document_id), snapshot, mode=0o600)
        self._good_bytes.pop(document_id, None)
        with contextlib.suppress(OSError):  # what stays is passed over
            self._journal(document_id).unlink(missing_ok=True)

    def discard(self, document_id: str, snapshot: Snapshot) -> None:
        """Into the bin. Raises a write error; the document stays where it was then."""
        durable.private_folder(self._bin)
        told = {**snapshot, "deleted_at": self._clock.wall_seconds()}
        durable.write_json(self._in_bin(document_id), told, mode=0o600)
        self._good_bytes.pop(document_id, None)
        try:
            self._snapshot(document_id).unlink(missing_ok=True)
            self._journal(document_id).unlink(missing_ok=True)
        except OSError as error:
            raise durable.explain_os_error(error, self._snapshot(document_id)) from error
        self._empty_bin()

    def restore(self, document_id: str) -> None:
        """Out of the bin. Raises GaloshError `…-unknown` or a write error."""
        binned = self._in_bin(document_id)
        snapshot = dict(self._load(binned, document_id))
        if not self._snapshot(document_id).exists():
            snapshot.pop("deleted_at", None)
            self.compact(document_id, snapshot)
        with contextlib.suppress(OSError):
            binned.unlink()

    def discarded(self) -> Iterator[tuple[str, Snapshot]]:
        """What lies in the bin; what is damaged there is left out."""
        self._empty_bin()
        for document_id in _ids_in(self._bin):
            with contextlib.suppress(GaloshError):
                yield document_id, self._load(self._in_bin(document_id), document_id)

    def _empty_bin(self) -> None:
        now = self._clock.wall_seconds()
        for document_id in _ids_in(self._bin):
            path = self._in_bin(document_id)
            data = durable.read_json(path)
            since = data.get("deleted_at") if isinstance(data, dict) else None
            if isinstance(since, (int, float)) and now - since > BIN_SECONDS:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _load(self, path: Path, document_id: str) -> Snapshot:
        if _ID.fullmatch(document_id) is None:
            raise GaloshError(self._codes.unknown)
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise GaloshError(self._codes.unknown) from error
        except (OSError, ValueError) as error:
            reason = type(error).__name__
            raise GaloshError(self._codes.damaged, path=str(path), reason=reason) from error
        if not isinstance(value, dict) or not isinstance(value.get("version"), int):
            raise GaloshError(self._codes.damaged, path=str(path), reason="version")
        return value

    def _read_journal(self, document_id: str) -> tuple[Record, ...]:
        path = self._journal(document_id)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            reason = error.strerror or str(error)
            raise GaloshError(self._codes.damaged, path=str(path), reason=reason) from error
        read = ledger.decode(data)
        if read.damaged:
            # More than a crash tears off: somebody may want to look at it.
            _log.warning("journal damaged at byte %d: %s", read.good_bytes, path.name)
            with contextlib.suppress(GaloshError):
                durable.write_bytes(path.with_suffix(_DAMAGED), data, mode=0o600)
        self._good_bytes[document_id] = read.good_bytes
        return read.records

    def _snapshot(self, document_id: str) -> Path:
        return self._folder / f"{self._checked(document_id)}{_SNAPSHOT}"

    def _journal(self, document_id: str) -> Path:
        return self._folder / f"{self._checked(document_id)}{_JOURNAL}"

    def _in_bin(self, document_id: str) -> Path:
        return self._bin / f"{self._checked(document_id)}{_SNAPSHOT}"

    def _checked(self, document_id: str) -> str:
        """The id, once it can name no other file."""
        if _ID.fullmatch(document_id) is None:
            raise GaloshError(self._codes.unknown)
        return document_id


def _write_behind(descriptor: int, good_bytes: int, line: bytes) -> None:
    """Put a line behind the good ones; whatever lies there is no acknowledged change."""
    if os.fstat(descriptor).st_size != good_bytes:
        os.ftruncate(descriptor, good_bytes)
    os.lseek(descriptor, good_bytes, os.SEEK_SET)
    try:
        left = memoryview(line)
        while left:
            left = left[os.write(descriptor, left) :]
        durable.sync_file(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, good_bytes)
        raise


def _ids_in(folder: Path) -> list[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return []
    stems = (name.removesuffix(_SNAPSHOT) for name in names if name.endswith(_SNAPSHOT))
    return sorted(stem for stem in stems if _ID.fullmatch(stem))


def _stamp(path: Path) -> object:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size
