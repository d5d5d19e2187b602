"""Fetches one job in a thread of its own and reports to the event loop.

Owns the call into `galosh.download` (which blocks) and the way back. Decides nothing about
the queue. The thread may be left behind at exit: the engine loses nothing by a kill.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.supervisor.download_job import JobFile, JobRecord
from galosh.supervisor.download_pace import Pace

if TYPE_CHECKING:
    from galosh.download.resolved import Resolved
    from galosh.download.state import Progress

View = Mapping[str, object]


@dataclass(frozen=True)
class Found:
    """What the source turned out to be."""

    file_name: str
    size_bytes: int | None
    files: tuple[JobFile, ...]


@dataclass(frozen=True)
class Reports:
    """Called in the event loop. progress: the event's name (None: no event) and the look."""

    found: Callable[[Found], None]
    progress: Callable[[str | None, View], None]
    ended: Callable[[Path | GaloshError], None]


class Run(threading.Thread):
    """One fetch of one job; `end` stops it with everything kept."""

    def __init__(
        self,
        record: JobRecord,
        paths: Paths,
        reports: Reports,
        *,
        connections: int,
        max_rate_bytes: int,
        environ: Mapping[str, str],
    ) -> None:
        super().__init__(name=f"download-{record.id}", daemon=True)
        self._record = record
        self._paths = paths
        self._reports = reports
        self._connections = connections
        self._max_rate_bytes = max_rate_bytes
        self._environ = environ
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._pace = Pace()

    def end(self) -> None:
        """Let go soon; `ended` is told then."""
        self._stop.set()

    def run(self) -> None:
        """See threading.Thread."""
        outcome: Path | GaloshError
        try:
            outcome = self._fetch()
        except GaloshError as error:
            outcome = error
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            outcome = GaloshError("supervisor-download-broke", reason=reason)
            outcome.__cause__ = error
        self._post(lambda: self._reports.ended(outcome))

    def _fetch(self) -> Path:
        from galosh.download.deliver import Options
        from galosh.download.obtain import obtain

        options = Options(
            connections=self._connections,
            max_rate_bytes=self._max_rate_bytes,
            follow=self._follow,
            stop=self._stop,
        )
        delivered = obtain(
            self._record.source, self._place, self._paths, options,
            sha256=self._record.sha256, environ=self._environ,
        )  # fmt: skip
        return delivered.path

    def _place(self, resolved: Resolved) -> Path:
        from galosh.download.place import choose_place, places_of

        if self._record.target is not None:
            target = Path(self._record.target)
        else:
            target = choose_place(self._paths, resolved)
        files = tuple(
            JobFile(plan.key, str(path), plan.size_bytes, path.exists())
            for plan, path in places_of(self._paths, resolved, target)
        )
        found = Found(target.name, resolved.fetch_bytes, files)
        self._post(lambda: self._reports.found(found))
        return target

    def _follow(self, progress: Progress) -> None:
        view = progress.to_json()
        name = self._pace.event_for(view, time.monotonic())
        self._post(lambda: self._reports.progress(name, view))

    def _post(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # the loop has ended; the folders know where we are
