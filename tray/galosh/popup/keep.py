"""The questions asked and the one being typed, kept over a restart or a crash of the window.

Rules: written only while the setting `history.keep` is known to be on (the daemon says it);
off removes what is there. For this user's eyes only (0600). Written beside the window's own
thread, a moment after the typing stops, so that a slow disk stops nobody's typing.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path

from galosh.base import durable
from galosh.base.errors import GaloshError

_QUIET_SECONDS = 0.4


class Keeper:
    """One file. Everything but `load` returns at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._allowed: bool | None = None
        self._due = threading.Condition()
        self._value: dict[str, object] | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def load(self) -> tuple[list[str], str]:
        """The questions and the draft that were kept."""
        data = durable.read_json(self._path)
        data = data if isinstance(data, Mapping) else {}
        questions, draft = data.get("questions"), data.get("draft")
        questions = questions if isinstance(questions, list) else []
        return [one for one in questions if isinstance(one, str)], (
            draft if isinstance(draft, str) else ""
        )

    def allow(self, allowed: bool) -> None:
        """Whether anything may be kept."""
        self._allowed = allowed
        if not allowed:
            with self._due:
                self._value = None
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def save(self, questions: list[str], draft: str) -> None:
        """Keep this, unless something newer comes at once."""
        if not self._allowed:
            return
        with self._due:
            self._value = {"draft": draft, "questions": list(questions)}
            self._due.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="popup-keeper", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is due, and no more."""
        with self._due:
            self._closed = True
            self._due.notify()
        if self._thread is not None:
            self._thread.join(2.0)

    def _work(self) -> None:
        while True:
            with self._due:
                while self._value is None and not self._closed:
                    self._due.wait()
                if not self._closed:
                    self._due.wait(_QUIET_SECONDS)
                value, self._value = self._value, None
            if value is not None:
                # A disk that is full must not end the window.
                with contextlib.suppress(GaloshError):
                    durable.write_json(self._path, value, mode=0o600)
            elif self._closed:
                return
