"""The daemon's log: bounded files, and nothing in them but ids, counts, times and outcomes.

Rules: never a prompt, an answer, a token, a header or a user's file name. Exceptions are
written as their kind and our own frames only, because their texts may quote what a client
sent.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import logging.handlers
import traceback
from pathlib import Path
from types import TracebackType

from galosh.base.paths import Paths

_SIZE_BYTES = 1_000_000
_KEPT = 2
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class QuietFormatter(logging.Formatter):
    """One line per record; an exception is its kind and where it was raised."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter; never a text that another formatter left in the record."""
        record = copy.copy(record)
        record.exc_text = None
        return super().format(record)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's own name
        """Frames of our code, innermost last; no exception text."""
        kind, _, trace = ei
        name = "?" if kind is None else kind.__name__
        places = [
            f"{Path(frame.filename).name}:{frame.lineno}:{frame.name}"
            for frame in traceback.extract_tb(trace)
            if "galosh" in Path(frame.filename).parts
        ]
        return f"{name} at {' > '.join(places) or '?'}"


class _Patient(logging.handlers.RotatingFileHandler):
    """A log that cannot be written costs its lines, and nothing else."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """See logging.Handler."""

    def close(self) -> None:
        """See logging.Handler: what could not be written until now never will be."""
        with contextlib.suppress(OSError):
            super().close()


def open_log(paths: Paths, level: str) -> logging.Handler:
    """Send everything the daemon logs to `paths.logs/daemon.log`; close it with `close_log`.

    Raises OSError when the folder cannot be written.
    """
    paths.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    handler = _Patient(
        paths.logs / "daemon.log", maxBytes=_SIZE_BYTES, backupCount=_KEPT, encoding="utf-8"
    )
    handler.setFormatter(QuietFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("galosh").setLevel(level.upper())
    # These two quote headers and peers in their warnings.
    for noisy in ("aiohttp", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return handler


def close_log(handler: logging.Handler) -> None:
    """Undo `open_log`."""
    logging.getLogger().removeHandler(handler)
    handler.close()
