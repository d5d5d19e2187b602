"""Fetches one job in a process of its own and reports to the event loop.

Owns the child process (`download_child`), the thread that reads what it says, and the way
back. Decides nothing about the queue. A process of its own, because what a transfer loads
would stay in the daemon for good; it ends with the daemon, since its stdin does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.supervisor.download_job import JobFile, JobRecord
from galosh.supervisor.download_pace import Pace
from galosh.supervisor.launch import Group

View = Mapping[str, object]
# The same modules as ours, wherever they come from.
_CODE = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from galosh.supervisor.download_child import main; main()"
)
_LAST_WORDS = 2000


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
        self._job = {
            "source": record.source,
            "sha256": record.sha256,
            "target": record.target,
            "connections": connections,
            "max_rate_bytes": max_rate_bytes,
            "environ": dict(environ),
        }
        self._paths = paths
        self._reports = reports
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._let_go = False
        self._pace = Pace()

    def end(self) -> None:
        """Let go soon; `ended` is told then."""
        with self._lock:
            self._let_go = True
            if self._child is not None and self._child.stdin is not None:
                with contextlib.suppress(OSError):
                    self._child.stdin.close()

    def run(self) -> None:
        """See threading.Thread."""
        outcome: Path | GaloshError
        try:
            outcome = self._fetch()
        except (OSError, ValueError, KeyError) as error:
            reason = f"{type(error).__name__}: {error}"
            outcome = GaloshError("supervisor-download-broke", reason=reason)
        self._post(lambda: self._reports.ended(outcome))

    def _fetch(self) -> Path | GaloshError:
        environ = dict(os.environ)
        if self._paths.home is not None:
            environ["GALOSH_HOME"] = str(self._paths.home)
        with subprocess.Popen(
            [sys.executable, "-c", _CODE, *sys.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace", env=environ, **Group.options(),
        ) as child:  # fmt: skip
            self._hand_over(child)
            words = _LastWords(child)
            outcome: Path | GaloshError | None = None
            assert child.stdout is not None
            for line in child.stdout:
                outcome = self._hear(json.loads(line)) or outcome
            status = child.wait()
            with self._lock, contextlib.suppress(OSError):
                assert child.stdin is not None
                child.stdin.close()
        if outcome is None:
            reason = words.text() or f"exit status {status}"
            outcome = GaloshError("supervisor-download-broke", reason=reason)
        return outcome

    def _hand_over(self, child: subprocess.Popen[str]) -> None:
        assert child.stdin is not None
        with self._lock, contextlib.suppress(OSError):
            self._child = child
            child.stdin.write(json.dumps(self._job) + "\n")
            child.stdin.flush()
            if self._let_go:
                child.stdin.close()

    def _hear(self, said: Mapping[str, object]) -> Path | GaloshError | None:
        kind = said["type"]
        if kind == "done":
            return Path(str(said["path"]))
        if kind == "failed":
            error = said["error"]
            assert isinstance(error, dict)
            return GaloshError.from_json(error)
        if kind == "found":
            files = said["files"]
            assert isinstance(files, list)
            size = said["size_bytes"]
            found = Found(
                str(said["file_name"]),
                size if isinstance(size, int) else None,
                tuple(JobFile(**file) for file in files),
            )
            self._post(lambda: self._reports.found(found))
        elif kind == "progress":
            view = said["view"]
            assert isinstance(view, dict)
            name = self._pace.event_for(view, time.monotonic())
            self._post(lambda: self._reports.progress(name, view))
        return None

    def _post(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # the loop has ended; the folders know where we are


class _LastWords:
    """Reads a child's stderr so that it never blocks, and keeps the end of it."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._kept = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            self._kept = (self._kept + line)[-_LAST_WORDS:]

    def text(self) -> str:
        """The last line."""
        self._thread.join(1.0)
        return (self._kept.strip().splitlines() or [""])[-1]
