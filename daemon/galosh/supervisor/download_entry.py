"""A wish for a download and its entry in the queue, as this run of the daemon knows them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from galosh.base.errors import GaloshError
from galosh.supervisor.download_job import JobRecord
from galosh.supervisor.download_run import Run, View

# Addresses only: what could hold a password or a token stays in memory.
_STORED = ("HF_ENDPOINT", "PIP_INDEX_URL")
_SHORT_NAME = 4


@dataclass(frozen=True)
class Wish:
    """One request for a download. environ: the caller's own `HF_*` and `PIP_*` values.

    recommended: try it when it is there and make it the default, if the default then is
    still `replaces` or none.
    """

    source: str
    sha256: str | None = None
    connections: int | None = None
    max_rate_bytes: int | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    recommended: bool = False
    replaces: str | None = None

    def record(self, job_id: str, now_seconds: float) -> JobRecord:
        """The new record for the table."""
        return JobRecord(
            id=job_id,
            source=self.source,
            added_at_seconds=now_seconds,
            sha256=self.sha256,
            connections=self.connections,
            max_rate_bytes=self.max_rate_bytes,
            purpose="recommended" if self.recommended else "pull",
            replaces=self.replaces,
            environ=tuple(
                (name, value)
                for name, value in sorted(self.environ.items())
                if name in _STORED and "@" not in value
            ),
        )


@dataclass
class Job:
    """A record with what only this run of the daemon knows.

    intent: why the fetch was told to end: `pause`, `again` or `remove`.
    """

    record: JobRecord
    run: Run | None = None
    intent: str = ""
    progress: View | None = None
    kept_bytes: int | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    state: str = "new"
    model_id: str | None = None
    busy: bool = False  # being removed, or fetched and being entered: not to be started
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def renew(self, wish: Wish) -> bool:
        """Asked for again; whether another hub or token asks for a new beginning."""
        fresh = wish.record(self.record.id, self.record.added_at_seconds)
        if fresh.environ:
            self.record = replace(self.record, environ=fresh.environ)
        if wish.recommended:
            self.record = replace(self.record, purpose="recommended", replaces=wish.replaces)
        other = any(self.secrets.get(name) != value for name, value in wish.environ.items())
        self.secrets = {**self.secrets, **wish.environ}
        return other

    def rest(self) -> None:
        """The state of a job that nobody works on."""
        if self.record.error is not None:
            aside = self.record.error.code == "download-quarantined"
            self.state = "quarantined" if aside else "needs-user"
        else:
            self.state = "paused" if self.record.wanted == "paused" else "new"

    def view(self) -> dict[str, object]:
        """What clients see."""
        record = self.record
        view: dict[str, object] = {
            "id": record.id,
            "source": record.source,
            "file_name": record.file_name,
            "keys": [file.key for file in record.files],
            "wanted": record.wanted,
            "purpose": record.purpose,
            "added_at_seconds": record.added_at_seconds,
            "kept_bytes": self.kept_bytes or 0,
            "size_bytes": None,
            "connections": 0,
            "speed_bytes_per_second": 0,
            "eta_seconds": None,
            "waiting": None,
            "notice": None,
            **(self.progress or {}),
            "state": self.state,
            "model_id": self.model_id,
            "path": record.model_path,
            "error": None if record.error is None else record.error.to_json(),
        }
        if view["size_bytes"] is None:
            view["size_bytes"] = record.size_bytes
        return view


def find_job(jobs: Sequence[Job], name: str) -> Job:
    """The job of this id, source, or beginning of an id or key.

    Raises GaloshError `download-unknown`.
    """
    found = [job for job in jobs if name in (job.record.id, job.record.source)]
    if not found and len(name) >= _SHORT_NAME:
        found = [
            job
            for job in jobs
            if any(
                text.startswith(name)
                for text in (job.record.id, *(file.key for file in job.record.files))
            )
        ]
    if len(found) != 1:
        known = ", ".join(job.record.id for job in jobs) or "–"
        raise GaloshError("download-unknown", key=name[:80], known=known)
    return found[0]
