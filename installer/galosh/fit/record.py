"""This PC's own record: measured costs and the answers it gave, in the state database.

Owns the tables `speed_runs` and `speed_measured`. Bounded: the newest answers are kept.
Losing it costs a measurement of three seconds and some accuracy, so nothing here ever stops
an answer: what cannot be read or written is passed over. Holds no prompt and no text.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.fit.measured import Circumstances, Measured
from galosh.fit.runs import Run
from galosh.gguf import Header

_LOG = logging.getLogger("galosh.fit")
KEPT_RUNS = 500
USED_RUNS = 60
_WAIT_SECONDS = 2.0
# Raised when what is calculated changes: expectations of older versions mean nothing then.
FORMULA = 1
_RUN_COLUMNS = {
    "identity": "TEXT", "engine": "TEXT", "power": "TEXT", "threads": "INTEGER",
    "prompt_tokens": "INTEGER", "cached_tokens": "INTEGER", "prefill_seconds": "REAL",
    "completion_tokens": "INTEGER", "decode_seconds": "REAL", "at": "REAL", "load": "REAL",
    "together": "INTEGER", "drafted_tokens": "INTEGER", "expected_prefill_seconds": "REAL",
    "expected_decode_seconds": "REAL", "formula": "INTEGER",
}  # fmt: skip
_NAMES = ", ".join(_RUN_COLUMNS)


def identity_of(header: Header) -> str:
    """What makes two files the same model as far as speed goes."""
    parts = (header.architecture, header.file_type_name, header.parameter_count,
             header.tensor_bytes)  # fmt: skip
    return "|".join(str(part) for part in parts)


def measured_for(paths: Paths, circumstances: Circumstances) -> Measured | None:
    """What was measured under these circumstances; None when nothing was."""
    query = "SELECT value FROM speed_measured WHERE engine = ? AND power = ? AND threads = ?"
    given = tuple(vars(circumstances).values())
    for (value,) in _read(paths, query, given):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return Measured.from_json(json.loads(str(value)))
    return None


def keep_measured(paths: Paths, measured: Measured) -> None:
    """Keep it in place of an older one. Never raises."""
    given = (*vars(measured.circumstances).values(), json.dumps(measured.to_json()))
    _write(paths, [("INSERT OR REPLACE INTO speed_measured VALUES (?, ?, ?, ?)", given)])


def runs_for(paths: Paths, circumstances: Circumstances) -> list[Run]:
    """The newest answers given under these circumstances, newest first."""
    query = (
        f"SELECT {_NAMES} FROM speed_runs WHERE engine = ? AND power = ? AND threads = ? "  # noqa: S608 - our own names
        f"ORDER BY at DESC LIMIT {USED_RUNS}"
    )
    return [_run(row) for row in _read(paths, query, tuple(vars(circumstances).values()))]


def keep_run(paths: Paths, run: Run) -> None:
    """Keep one answer's times, and of all the newest `KEPT_RUNS`. Never raises."""
    facts = {**vars(run), **vars(run.circumstances), "at": run.at or time.time(),
             "formula": FORMULA}  # fmt: skip
    marks = ", ".join("?" for _ in _RUN_COLUMNS)
    row = tuple(facts[name] for name in _RUN_COLUMNS)
    kept = f"SELECT rowid FROM speed_runs ORDER BY at DESC LIMIT {KEPT_RUNS}"  # noqa: S608 - our own number
    statements = [
        (f"INSERT INTO speed_runs ({_NAMES}) VALUES ({marks})", row),  # noqa: S608 - our own names
        (f"DELETE FROM speed_runs WHERE rowid NOT IN ({kept})", ()),  # noqa: S608
    ]
    _write(paths, statements)


def _run(row: tuple[object, ...]) -> Run:
    facts = dict(zip(_RUN_COLUMNS, row, strict=True))
    circumstances = Circumstances(
        str(facts.pop("engine")), str(facts.pop("power")), int(str(facts.pop("threads")))
    )
    if facts.pop("formula") != FORMULA:
        facts["expected_prefill_seconds"] = facts["expected_decode_seconds"] = None
    return Run(circumstances=circumstances, **facts)  # type: ignore[arg-type]


def _read(paths: Paths, query: str, given: tuple[object, ...]) -> list[tuple[object, ...]]:
    """Rows; none where there is no database, or it holds no such table yet."""
    if not paths.database.exists():
        return []
    try:
        with closing(_open(paths.database)) as base:
            return base.execute(query, given).fetchall()
    except (sqlite3.Error, OSError) as error:
        _LOG.debug("the record of speeds was not read: %s", error)
        return []


def _write(paths: Paths, statements: Sequence[tuple[str, tuple[object, ...]]]) -> None:
    """All of it or nothing; the tables are made where they are missing."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _RUN_COLUMNS.items())
    try:
        durable.private_folder(paths.database.parent)
        with closing(_open(paths.database)) as base, base:
            base.execute(f"CREATE TABLE IF NOT EXISTS speed_runs ({columns})")
            base.execute(
                "CREATE TABLE IF NOT EXISTS speed_measured (engine TEXT, power TEXT, "
                "threads INTEGER, value TEXT, PRIMARY KEY (engine, power, threads))"
            )
            for text, given in statements:
                base.execute(text, given)
    except (sqlite3.Error, OSError, GaloshError) as error:
        _LOG.info("the record of speeds was not written: %s", error)


def _open(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=_WAIT_SECONDS)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last answers' times
    return base
