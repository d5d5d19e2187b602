"""The notes of which workers run, so that a later daemon can end one that was left behind.

A worker ends by itself when its daemon does (its stdin closes); this is the belt to those
braces. Kills only when process id, start time and command line all match the note: a pid
alone may belong to anybody by now.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths

_LOG = logging.getLogger("galosh.supervisor")
# The start time is told relative to the boot, which clock corrections move a little.
_TOLERANCE_SECONDS = 2.0


class Ledger:
    """The notes on disk, in one file. Blocking calls: never from the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._notes: dict[int, dict[str, object]] = {}

    @classmethod
    def of(cls, paths: Paths) -> Ledger:
        """The notes of this galosh."""
        return cls(paths.state / "worker.json")

    def record(self, pid: int, command: Sequence[str]) -> None:
        """Note a worker that was just started; a full disk only costs the note."""
        import psutil

        try:
            started = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return  # gone already; its end is being told
        except (psutil.Error, OSError) as error:
            _LOG.warning("a worker was not noted: %s", type(error).__name__)
            return
        with self._lock:
            note = {"pid": pid, "started_seconds": started, "command": list(command)}
            self._notes[pid] = note
            self._write()

    def forget(self, pid: int) -> None:
        """The worker of this process id is reaped."""
        with self._lock:
            if self._notes.pop(pid, None) is not None:
                self._write()

    def clean_up(self, patience_seconds: float = 2.0) -> tuple[int, ...]:
        """End the workers left behind; returns the process ids of those that were there."""
        with self._lock:
            data = durable.read_json(self._path)
            notes = data.get("workers") if isinstance(data, Mapping) else None
            ended = [
                pid
                for note in (notes if isinstance(notes, list) else [])
                if isinstance(note, Mapping) and (pid := _end(note, patience_seconds)) is not None
            ]
            self._notes.clear()
            self._write()
        return tuple(ended)

    def _write(self) -> None:
        try:
            if self._notes:
                durable.write_json(self._path, {"workers": list(self._notes.values())})
            else:
                self._path.unlink(missing_ok=True)
        except (OSError, GaloshError) as error:
            _LOG.warning("the workers' notes were not written: %s", type(error).__name__)


def _end(note: Mapping[str, object], patience_seconds: float) -> int | None:
    import psutil

    pid, started, command = note.get("pid"), note.get("started_seconds"), note.get("command")
    if not isinstance(pid, int) or not isinstance(started, (int, float)) or pid <= 0:
        return None
    try:
        process = psutil.Process(pid)
        same_start = abs(process.create_time() - started) <= _TOLERANCE_SECONDS
        if not same_start or process.cmdline() != command:
            return None
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(patience_seconds)  # its pipe is closed: it is on its way out
            return None
        process.kill()
        process.wait(patience_seconds)
    except (psutil.Error, OSError):
        return None
    _LOG.warning("ended worker %d that an earlier daemon left behind", pid)
    return pid
