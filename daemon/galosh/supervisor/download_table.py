"""The wanted list of downloads in the daemon's database. Blocking; safe from several threads.

Owns the tables `downloads` and `notes` and their version. The truth about bytes is in the
download folders, so this file may be lost: a damaged one is set aside, never deleted, and
the folders are adopted again. Later versions may only add columns.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.supervisor.download_job import COLUMNS, JobRecord

_LOG = logging.getLogger("galosh.supervisor")
_VERSION = 1
_NUMBERS = {
    "added_at_seconds": "REAL",
    **dict.fromkeys(("connections", "max_rate_bytes", "size_bytes"), "INTEGER"),
}
_Result = TypeVar("_Result")


class DownloadTable:
    """See the module. Opens nothing before it is asked something."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a database at all."""
        return self._path.exists()

    def load(self) -> list[JobRecord]:
        """All jobs in the order they were added; one that cannot be read is passed over.

        Raises GaloshError `supervisor-list-unwritable`.
        """
        return self._do(self._load)

    def save(self, record: JobRecord) -> None:
        """Insert or replace one job, durably. Raises as `load`."""
        row = record.to_row()
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        rest = ", ".join(f"{name} = excluded.{name}" for name in row if name != "id")
        text = (
            f"INSERT INTO downloads ({names}) VALUES ({marks}) "  # noqa: S608 - our own names
            f"ON CONFLICT (id) DO UPDATE SET {rest}"
        )
        self._do(lambda base: base.execute(text, tuple(row.values())))

    def delete(self, job_id: str) -> None:
        """Forget one job. Raises as `load`."""
        self._do(lambda base: base.execute("DELETE FROM downloads WHERE id = ?", (job_id,)))

    def note(self, name: str, value: object) -> None:
        """Keep one fact under a name. Raises as `load`."""
        text = "INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)"
        self._do(lambda base: base.execute(text, (name, json.dumps(value))))

    def noted(self, name: str) -> object:
        """The fact under that name; None if there is none. Raises as `load`."""
        text = "SELECT value FROM notes WHERE name = ?"
        row = self._do(lambda base: base.execute(text, (name,)).fetchone())
        return None if row is None else json.loads(row[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _load(self, base: sqlite3.Connection) -> list[JobRecord]:
        found = []
        for row in base.execute(f"SELECT {', '.join(COLUMNS)} FROM downloads ORDER BY rowid"):  # noqa: S608
            try:
                found.append(JobRecord.from_row(dict(zip(COLUMNS, row, strict=True))))
            except (ValueError, TypeError, KeyError, AttributeError):  # noqa: PERF203
                _LOG.warning("an entry of the download list could not be read")
        return found

    def _do(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        with self._lock:
            try:
                try:
                    return self._run(work)
                except sqlite3.OperationalError:
                    raise
                except sqlite3.DatabaseError as error:
                    self._set_aside(error)
                    return self._run(work)
            except (sqlite3.Error, OSError) as error:
                raise GaloshError(
                    "supervisor-list-unwritable", path=str(self._path), reason=str(error)
                ) from error

    def _run(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        if self._open is None:
            durable.private_folder(self._path.parent)
            self._open = _connect(self._path)
        with self._open:
            return work(self._open)

    def _set_aside(self, error: Exception) -> None:
        """A damaged database makes way; the folders know the rest."""
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.close()
            self._open = None
        mark = f".damaged-{int(time.time())}"
        for ending in ("", "-wal", "-shm"):
            file = self._path.with_name(self._path.name + ending)
            with contextlib.suppress(FileNotFoundError):
                file.replace(file.with_name(file.name + mark))
        _LOG.error(
            "the database %s was damaged (%s) and is set aside as %s%s; "
            "downloads are taken up again from their folders",
            self._path, error, self._path.name, mark,
        )  # fmt: skip


def _connect(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        if base.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check failed")
        columns = ", ".join(
            f"{name} {_NUMBERS.get(name, 'TEXT')}{' PRIMARY KEY' if name == 'id' else ''}"
            for name in COLUMNS
        )
        with base:
            base.execute(
                "CREATE TABLE IF NOT EXISTS schema (part TEXT PRIMARY KEY, version INTEGER)"
            )
            base.execute(f"CREATE TABLE IF NOT EXISTS downloads ({columns})")
            base.execute("CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT)")
            base.execute("INSERT OR IGNORE INTO schema VALUES ('downloads', ?)", (_VERSION,))
    except BaseException:
        base.close()
        raise
    return base
