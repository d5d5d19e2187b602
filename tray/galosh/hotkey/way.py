"""What every way of listening is given, and how it is told to end.

A way is a function that blocks in a thread of its own until it is stopped. Rules: it tells what
was granted, and each change of that; it gives back everything it took when it ends; it returns
False, having told nothing, where this session does not have it.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from galosh.base.errors import GaloshError
from galosh.hotkey.trigger import Trigger

_log = logging.getLogger("galosh.hotkey")


class Stop:
    """A flag that can be waited for beside a socket."""

    def __init__(self) -> None:
        # A socket, not a pipe: Windows selects nothing else.
        self._heard, self._said = socket.socketpair()
        self._calls: list[Callable[[], None]] = []
        self.is_set = False

    def set(self) -> None:
        """Raise the flag, for good."""
        self.is_set = True
        with contextlib.suppress(OSError):  # the listening has ended by itself
            self._said.send(b"!")
        for call in self._calls:
            call()

    def call(self, call: Callable[[], None]) -> None:
        """Call this when the flag is raised, for waits that no select can end."""
        self._calls.append(call)
        if self.is_set:
            call()

    def wait(self, seconds: float | None, *files: int) -> bool:
        """Until one of the files can be read, the flag is raised (True) or time is up."""
        if not self.is_set:
            watched: list[Any] = [self._heard, *files]
            select.select(watched, [], [], seconds)
        return self.is_set

    def close(self) -> None:
        """Let go of the sockets."""
        self._heard.close()
        self._said.close()


class Tell(Protocol):
    """Reports what the desktop granted."""

    def __call__(
        self,
        granted: str | None,
        problem: GaloshError | None = None,
        alternatives: tuple[str, ...] = (),
    ) -> None: ...


@dataclass(frozen=True)
class Job:
    """One trigger to listen for. app_id: the name of our .desktop file."""

    trigger: Trigger
    app_id: str
    call: Callable[[], None]
    tell: Tell
    stop: Stop

    def fire(self) -> None:
        """The keys were pressed. What the callback breaks does not end the listening."""
        try:
            self.call()
        except Exception:
            _log.exception("the hotkey's callback failed")


Listen = Callable[[Job], bool]
