"""One entry of the download queue: what was asked for, and what it looks like now. Pure.

Owns the id of a job, its form in the table and its form on the wire. Never a token: what a
request brought of secrets stays in memory, beside the job.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from galosh.base.errors import GaloshError

Wanted = Literal["running", "paused"]
Purpose = Literal["pull", "recommended"]
ID_LENGTH = 10


@dataclass(frozen=True)
class JobFile:
    """One file a job fetches. was_there: it was complete before this job, so it is not its own.

    key: the engine's name of it. path: where it will lie.
    """

    key: str
    path: str
    size_bytes: int | None
    was_there: bool = False


@dataclass(frozen=True)
class JobRecord:
    """What the table keeps of one job.

    target None: into the models folder. environ: the caller's addresses of hub and index
    (never a secret). replaces: the default model that a recommended one may take over from.
    model_path: where the model lies, once it is complete.
    """

    id: str
    source: str
    added_at_seconds: float
    wanted: Wanted = "running"
    sha256: str | None = None
    target: str | None = None
    connections: int | None = None
    max_rate_bytes: int | None = None
    purpose: Purpose = "pull"
    replaces: str | None = None
    environ: tuple[tuple[str, str], ...] = ()
    file_name: str | None = None
    size_bytes: int | None = None
    files: tuple[JobFile, ...] = ()
    model_path: str | None = None
    error: GaloshError | None = None

    def to_row(self) -> dict[str, object]:
        """Column -> value."""
        row = {name: getattr(self, name) for name in COLUMNS}
        row["environ"] = json.dumps(dict(self.environ))
        row["files"] = json.dumps([vars(file) for file in self.files])
        row["error"] = None if self.error is None else json.dumps(self.error.to_json(), default=str)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> JobRecord:
        """The record that `to_row` gave. Raises ValueError, TypeError or KeyError."""
        values = {name: row[name] for name in COLUMNS}
        error = values["error"]
        values["error"] = None if error is None else GaloshError.from_json(_table(error))
        values["environ"] = tuple((k, str(v)) for k, v in _table(values["environ"]).items())
        listed: list[Mapping[str, object]] = json.loads(str(values["files"]))
        values["files"] = tuple(
            JobFile(
                str(one["key"]), str(one["path"]), cast("int | None", one["size_bytes"]),
                bool(one["was_there"]),
            )
            for one in listed
        )  # fmt: skip
        return cls(**values)  # type: ignore[arg-type]


COLUMNS = tuple(JobRecord.__dataclass_fields__)


def job_id(source: str, sha256: str | None, target: str | None) -> str:
    """The same wish has the same id, so that asking twice is asking once."""
    text = json.dumps([source, sha256, target])
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def with_files(record: JobRecord, files: tuple[JobFile, ...]) -> JobRecord:
    """The record with what resolving found; what was known to be its own stays its own."""
    own = {file.path for file in record.files if not file.was_there}
    kept = tuple(replace(file, was_there=False) if file.path in own else file for file in files)
    return replace(record, files=kept)


def _table(text: object) -> Mapping[str, object]:
    value = json.loads(str(text))
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value
