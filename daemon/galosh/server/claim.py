"""The one running daemon: its lock and its facts file.

Rules: a kernel lock decides, never a pid in a file; whatever a killed daemon left (facts,
socket) is replaced only while the lock is held. The facts are written when the daemon
listens and removed when it stops.
"""

from __future__ import annotations

import os
import time
from types import TracebackType

from filelock import FileLock, Timeout

from galosh.api.find import is_running, read_facts
from galosh.api.wire import DaemonFacts
from galosh.base import durable
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths

_PATIENCE_SECONDS = 8.0
_PAUSE_SECONDS = 0.05  # a lock gives no event


class Claim:
    """Held by the one daemon of these paths for as long as it lives; a context."""

    def __init__(self, paths: Paths, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._paths = paths
        self._patience_seconds = patience_seconds
        self._lock = FileLock(str(paths.daemon_lock), timeout=0)

    def __enter__(self) -> Claim:
        """Raises GaloshError `server-already-running` or `base-not-writable`."""
        durable.private_folder(self._paths.state)
        deadline = time.monotonic() + self._patience_seconds
        while not self._acquired():
            running = is_running(self._paths)
            if running is not None:
                raise GaloshError("server-already-running", pid=running.pid)
            # Held, but nobody answers: the holder is about to listen, or about to end.
            if time.monotonic() >= deadline:
                facts = read_facts(self._paths)
                pid = None if facts is None else facts.pid
                raise GaloshError("server-already-running", pid=pid)
            time.sleep(_PAUSE_SECONDS)
        self._paths.daemon_facts.unlink(missing_ok=True)
        durable.remove_leftovers(self._paths.state)
        return self

    def _acquired(self) -> bool:
        try:
            self._lock.acquire()
        except Timeout:
            return False
        except OSError as error:
            raise durable.explain_os_error(error, self._paths.daemon_lock) from error
        return True

    def announce(self, facts: DaemonFacts) -> None:
        """Write where the daemon listens."""
        durable.write_json(self._paths.daemon_facts, facts.to_json(), mode=0o600)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        facts = read_facts(self._paths)
        if facts is not None and facts.pid == os.getpid():
            self._paths.daemon_facts.unlink(missing_ok=True)
        self._lock.release()
