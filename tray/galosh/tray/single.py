"""One tray per user: a kernel lock, which no killed process leaves behind."""

from __future__ import annotations

from filelock import FileLock, Timeout

from galosh.base import durable
from galosh.base.paths import Paths


def hold(paths: Paths) -> FileLock | None:
    """The lock, held for as long as the process lives; None where another one runs.

    Raises GaloshError `base-not-writable`.
    """
    durable.private_folder(paths.runtime)
    lock = FileLock(str(paths.runtime / "tray.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        raise durable.explain_os_error(error, paths.runtime) from error
    return lock
