"""The note of which worker runs, so that a later daemon can end one that was left behind.

A worker ends by itself when its daemon does (its stdin closes); this is the belt to those
braces. Kills only when process id, start time and command line all match the note: a pid
alone may belong to anybody by now.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths

_LOG = logging.getLogger("galosh.supervisor")
# The start time is told relative to the boot, which clock corrections move a little.
_TOLERANCE_SECONDS = 2.0


class Ledger:
    """The note on disk. Blocking calls: never from the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, paths: Paths) -> Ledger:
        """The note of this galosh."""
        return cls(paths.state / "worker.json")

    def record(self, pid: int, command: Sequence[str]) -> None:
        """Note a worker that was just started; a full disk only costs the note."""
        import psutil

        try:
            started = psutil.Process(pid).create_time()
            note = {"pid": pid, "started_seconds": started, "command": list(command)}
            durable.write_json(self._path, note)
        except psutil.NoSuchProcess:
            pass  # gone already; its end is being told
        except (psutil.Error, OSError, GaloshError) as error:
            _LOG.warning("the worker's note was not written: %s", type(error).__name__)

    def forget(self) -> None:
        """The noted worker is reaped."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def clean_up(self, patience_seconds: float = 2.0) -> int | None:
        """End a worker left behind; returns its pid, or None when there was none."""
        note = durable.read_json(self._path)
        pid = _end(note, patience_seconds) if isinstance(note, Mapping) else None
        self.forget()
        return pid


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
