"""What the download folders say about the queue's jobs, and what is done to them. Blocking.

The folders hold the truth about bytes: jobs are corrected by them, unfinished downloads that
no job knows are adopted. Loads the download engine only if there is something to look at.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.supervisor.download_job import ID_LENGTH, JobFile, JobRecord, job_id

if TYPE_CHECKING:
    from galosh.download.state import DownloadStatus


def reconcile(paths: Paths, records: Sequence[JobRecord], now_seconds: float) -> list[JobRecord]:
    """The jobs as the folders correct them, with the unfinished downloads no job knows.

    A download that was paused from outside is a paused job. One that another process is
    busy with is left to it.
    """
    found = _statuses(paths)
    paused = {status.key for status in found if status.state.value == "paused"}
    known: dict[str, JobRecord] = {}
    for record in records:
        halted = any(file.key in paused for file in record.files)
        known[record.id] = replace(record, wanted="paused") if halted else record
    taken = {file.key for record in records for file in record.files}
    for status in found:
        if status.key not in taken and not status.running:
            adopted = _adopt(paths, status, now_seconds)
            if adopted is not None:
                before = known.get(adopted.id)
                known[adopted.id] = adopted if before is None else _joined(before, adopted)
    return list(known.values())


def elsewhere(paths: Paths, keys: Iterable[str]) -> list[dict[str, object]]:
    """Downloads that another process runs just now, in the form of a job's view."""
    own = set(keys)
    return [
        {
            **status.to_json(),
            "id": status.key[:ID_LENGTH],
            "source": status.origin,
            "wanted": "running",
            "elsewhere": True,
        }
        for status in _statuses(paths)
        if status.running and status.key not in own
    ]


def kept_bytes(paths: Paths, record: JobRecord) -> int:
    """How much of a job is on disk: unfinished downloads and the files that are complete."""
    found = {status.key: status.kept_bytes for status in _statuses(paths)}
    total = 0
    for file in record.files:
        if file.key in found:
            total += found[file.key]
            continue
        with contextlib.suppress(OSError):
            total += Path(file.path).stat().st_size
    return total


def mark_paused(paths: Paths, record: JobRecord) -> None:
    """Say in the folders that nobody is to go on, whatever becomes of the list."""
    from galosh.download import manage

    for file in record.files:
        with contextlib.suppress(GaloshError, OSError):
            manage.pause(paths, file.key)


def clear_marks(paths: Paths, record: JobRecord) -> None:
    """Take pauses and known problems away."""
    from galosh.download import manage

    for file in record.files:
        with contextlib.suppress(GaloshError, OSError):
            manage.resume(paths, file.key)


def delete(paths: Paths, record: JobRecord) -> None:
    """Delete what this job fetched; files that were complete before it stay.

    Raises GaloshError `base-not-writable` where the system refuses.
    """
    from galosh.base import durable
    from galosh.download import manage
    from galosh.download.receipt import receipt_path

    for file in record.files:
        with contextlib.suppress(GaloshError):
            manage.cancel(paths, file.key)
        if file.was_there:
            continue
        path = Path(file.path)
        try:
            path.unlink(missing_ok=True)
            receipt_path(path).unlink(missing_ok=True)
            if path.parent.parent == paths.models and not any(path.parent.iterdir()):
                path.parent.rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise durable.explain_os_error(error, path) from error


def _statuses(paths: Paths) -> Sequence[DownloadStatus]:
    if not any(_folders(paths.downloads)):
        return ()
    from galosh.download import manage

    return manage.downloads(paths)


def _folders(root: Path) -> Iterator[Path]:
    try:
        yield from (entry for entry in root.iterdir() if entry.is_dir())
    except OSError:
        return


def _adopt(paths: Paths, status: DownloadStatus, now_seconds: float) -> JobRecord | None:
    """A job for an unfinished download; None if its plan is lost."""
    from galosh.download import manage

    stored = manage.stored_plan(paths, status.key)
    if stored is None or status.origin is None or status.state.value == "done":
        return None
    own = (paths.models, paths.cache / "model-wheels")
    target = None if any(at in stored.target.parents for at in own) else str(stored.target)
    pinned = stored.plan.sha256 if stored.plan.authority == "user" else None
    file = JobFile(status.key, str(stored.target), status.size_bytes)
    stays = status.state.value in ("paused", "quarantined") or status.error is not None
    return JobRecord(
        id=job_id(status.origin, pinned, target),
        source=status.origin,
        added_at_seconds=now_seconds,
        wanted="paused" if stays else "running",
        sha256=pinned,
        target=target,
        file_name=stored.target.name,
        size_bytes=status.size_bytes,
        files=(file,),
        error=status.error,
    )


def _joined(record: JobRecord, adopted: JobRecord) -> JobRecord:
    """One more file of a job that is known."""
    known = {file.key for file in record.files}
    more = tuple(file for file in adopted.files if file.key not in known)
    return replace(record, files=(*record.files, *more))
